import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { claudeCodeLines, claudeCodeSessionId } from './claude-code-lines.ts'
import { piLines } from './pi-lines.ts'
import { fixturesFolder, workFolder } from './places.ts'

/** To be raised when the lines change, so that old files are not used. */
const generation = 1

/** A pi session of at most so many MiB, whole lines; made once. A longer one begins with the bytes of a shorter one. Not to be written to. */
export function piTranscript(mebibytes: number): Promise<string> {
  return grown(join('pi', `${mebibytes}.jsonl`), mebibytes, () => piLines(fixturesFolder))
}

/** The same of Claude Code, under the file name that it has there. */
export function claudeCodeTranscript(mebibytes: number): Promise<string> {
  return grown(join(`claude-code-${mebibytes}`, `${claudeCodeSessionId}.jsonl`), mebibytes, () => claudeCodeLines(fixturesFolder))
}

async function grown(name: string, mebibytes: number, lines: () => AsyncIterable<string>): Promise<string> {
  const path = join(workFolder, `transcripts-${generation}`, name)
  const exists = await stat(path).catch(() => undefined)
  if (exists !== undefined) return path
  await mkdir(dirname(path), { recursive: true })
  const partial = `${path}.partial-${process.pid}`
  const file = await open(partial, 'wx')
  try {
    let left = mebibytes * 1024 ** 2
    let waiting: Buffer[] = []
    for await (const line of lines()) {
      const bytes = Buffer.from(`${line}\n`)
      left -= bytes.length
      if (left < 0) break
      waiting.push(bytes)
      if (waiting.length >= 512) {
        await file.writev(waiting)
        waiting = []
      }
    }
    if (waiting.length > 0) await file.writev(waiting)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(partial, path)
  return path
}

/** Appends to a file what `longer` has beyond it, up to the end of the last line within `endBytes`. Gives the new size. */
export async function growTo(path: string, longer: string, endBytes: number): Promise<number> {
  const [source, target] = [await open(longer, 'r'), await open(path, 'a')]
  try {
    let position = (await target.stat()).size
    const end = await lineEndWithin(source, endBytes)
    while (position < end) {
      const { buffer, bytesRead } = await source.read(Buffer.alloc(Math.min(4 * 1024 ** 2, end - position)), 0, undefined, position)
      await target.write(buffer.subarray(0, bytesRead))
      position += bytesRead
    }
    return position
  } finally {
    await source.close()
    await target.close()
  }
}

async function lineEndWithin(file: Awaited<ReturnType<typeof open>>, endBytes: number): Promise<number> {
  const end = Math.min(endBytes, (await file.stat()).size)
  const start = Math.max(0, end - 4 * 1024 ** 2)
  const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start)
  return start + buffer.lastIndexOf(10) + 1
}
