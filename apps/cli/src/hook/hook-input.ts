import { read } from 'node:fs'
import type { Readable } from 'node:stream'
import { HookProblem } from './hook-request.ts'

const maxInputBytes = 16 * 1024 * 1024
const pieceBytes = 64 * 1024
const standardInput = 0

/**
 * The text on this process's standard input, with the bounds of `readHookInput`. It is read without `process.stdin`, which takes longer to load than
 * all the rest. When it is not waited for any longer a thread still is: leave the process with `leaveNow`.
 */
export function readStandardInput(timeoutMs: number): Promise<string> {
  // On Windows a process can't leave such a thread behind.
  if (process.platform === 'win32') return readHookInput(process.stdin, timeoutMs)
  return new Promise((resolve, reject) => {
    const pieces: Buffer[] = []
    let sizeBytes = 0
    const timer = setTimeout(() => reject(endless(timeoutMs)), timeoutMs)
    const end = (finish: () => void): void => {
      clearTimeout(timer)
      finish()
    }
    const next = (): void => {
      read(standardInput, Buffer.allocUnsafe(pieceBytes), 0, pieceBytes, null, (error, count, piece) => {
        // An agent may give an end that doesn't block.
        if (error?.code === 'EAGAIN') return end(() => readHookInput(process.stdin, timeoutMs, pieces).then(resolve, reject))
        if (error !== null) return end(() => reject(new HookProblem(`Standard input can't be read: ${error.message}`)))
        if (count === 0) return end(() => resolve(Buffer.concat(pieces).toString('utf8')))
        pieces.push(piece.subarray(0, count))
        sizeBytes += count
        if (sizeBytes > maxInputBytes) return end(() => reject(tooLong()))
        next()
      })
    }
    next()
  })
}

/** Ends this process with status 0, although threads of it may be waiting for input or for a disk, which `process.exit` would wait for. */
export function leaveNow(): void {
  if (process.execve !== undefined && process.platform !== 'win32')
    process.execve(process.execPath, [process.execPath, '-e', '0'], { ...process.env, NODE_OPTIONS: '' })
  process.exit(0)
}

/** The text on a stream, behind what was `begun` to be read of it: at most 16 MiB, and not waited for longer than `timeoutMs`. Throws a `HookProblem`. */
export function readHookInput(stream: Readable, timeoutMs: number, begun: readonly Buffer[] = []): Promise<string> {
  return new Promise((resolve, reject) => {
    const pieces = [...begun]
    let sizeBytes = begun.reduce((sum, piece) => sum + piece.byteLength, 0)
    const end = (finish: () => void): void => {
      clearTimeout(timer)
      stream.removeAllListeners('data')
      finish()
    }
    const timer = setTimeout(() => end(() => reject(endless(timeoutMs))), timeoutMs)
    stream.on('data', (piece: Buffer | string) => {
      const bytes = Buffer.from(piece)
      sizeBytes += bytes.byteLength
      pieces.push(bytes)
      if (sizeBytes > maxInputBytes) end(() => reject(tooLong()))
    })
    stream.on('end', () => end(() => resolve(Buffer.concat(pieces).toString('utf8'))))
    stream.on('error', (error) => end(() => reject(new HookProblem(`Standard input can't be read: ${error.message}`))))
  })
}

function endless(timeoutMs: number): HookProblem {
  return new HookProblem(`Standard input did not end within ${timeoutMs} ms; the agent has to close it.`)
}

function tooLong(): HookProblem {
  return new HookProblem(`The hook's input is longer than ${maxInputBytes} bytes.`)
}
