import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import type { CliContext } from './context.ts'

/** The text of `file`, of standard input for `-`. Throws `ARGUMENT_INVALID` when it can't be read or is not UTF-8. */
export async function readSummary(file: string, context: CliContext): Promise<string> {
  const bytes = file === '-' ? await readAll(context.stdin, context.signal) : await readNamed(resolve(context.cwd, file), context.signal)
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new CheckpointError('ARGUMENT_INVALID', `The summary in ${file} is not UTF-8 text.`, { argument: '--summary-file' }, { cause })
  }
}

async function readNamed(path: string, signal: AbortSignal): Promise<Uint8Array> {
  try {
    return await readFile(path, { signal })
  } catch (cause) {
    signal.throwIfAborted()
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new CheckpointError('ARGUMENT_INVALID', `The summary can’t be read: ${why}`, { argument: '--summary-file' }, { cause })
  }
}

async function readAll(stream: AsyncIterable<unknown>, signal: AbortSignal): Promise<Uint8Array> {
  const pieces: Uint8Array[] = []
  const aborted = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    if (signal.aborted) reject(signal.reason)
  })
  const read = async (): Promise<void> => {
    for await (const piece of stream) pieces.push(bytesOf(piece))
  }
  await Promise.race([read(), aborted])
  return Buffer.concat(pieces)
}

function bytesOf(piece: unknown): Uint8Array {
  return piece instanceof Uint8Array ? piece : Buffer.from(String(piece))
}
