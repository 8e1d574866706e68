import { sha256 } from './digest.ts'
import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { PlacedChunk } from './findings.ts'
import type { AbortOptions } from './storage.ts'
import type { OpenTranscript, TranscriptReader, TranscriptSource } from './transcript.ts'

const maxFiles = 8

/** The files that a session was captured from, as far as they are still there. */
export interface TranscriptBytes {
  /** The raw bytes of a chunk, where one of the files still has exactly these at its place. */
  bytesOf(placed: PlacedChunk): Promise<Uint8Array | undefined>
  close(): Promise<void>
}

/** Opens the files at `paths`, the first 8 that can be. Nothing is written to them. */
export async function openTranscriptBytes(
  environment: Environment,
  agent: string,
  paths: readonly string[],
  options: AbortOptions,
): Promise<TranscriptBytes> {
  const reader = environment.readers.find((candidate) => candidate.agent === agent)
  const open: OpenTranscript[] = []
  const parts: ReadonlyMap<string, TranscriptSource>[] = []
  for (const path of paths) {
    if (reader === undefined || open.length === maxFiles) break
    const transcript = await openedAt(environment, reader, path, options)
    if (transcript === undefined) continue
    open.push(transcript)
    const byName = new Map<string, TranscriptSource>()
    for await (const part of transcript.parts()) byName.set(part.name, part.source)
    parts.push(byName)
  }
  return {
    async bytesOf({ part, firstByte, chunk: [, , , rawBytes, , digest] }) {
      for (const byName of parts) {
        const source = byName.get(part)
        if (source === undefined || source.sizeBytes < firstByte + rawBytes) continue
        const bytes = await source.read(firstByte, firstByte + rawBytes, options)
        if (sha256(bytes) === digest) return bytes
      }
      return undefined
    },
    async close() {
      for (const transcript of open) await transcript.close()
    },
  }
}

async function openedAt(
  environment: Environment,
  reader: TranscriptReader,
  path: string,
  options: AbortOptions,
): Promise<OpenTranscript | undefined> {
  try {
    const sidecars = reader.sidecars(path.split(/[\\/]/).at(-1) ?? '')
    return await environment.files?.origin(path).open({ ...options, sidecars })
  } catch (error) {
    if (isCheckpointError(error)) return undefined
    throw error
  }
}
