import { createHash } from 'node:crypto'
import { copyFile, glob, lstat, mkdir, readFile, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { type ShellCall, withoutDescriptions } from './shell-calls.ts'

/** Sessions copied for the benchmark, the descriptions of shell calls taken out of them. */
export interface CorpusCopy {
  readonly folder: string
  /** Of the names and bytes of the files that were copied. */
  readonly hash: string
  readonly files: number
  readonly sizeBytes: number
  /** The calls of each line that lost a description, by the digest of the line as it is in the copy. */
  readonly described: ReadonlyMap<string, readonly ShellCall[]>
}

/** Copies the files below folders, each under a name of its own; links are not followed. Lines without a described call keep their bytes. */
export async function copyCorpus(sources: readonly string[], folder: string): Promise<CorpusCopy> {
  const hash = createHash('sha256')
  const described = new Map<string, readonly ShellCall[]>()
  let files = 0
  let sizeBytes = 0
  for (const [at, source] of sources.entries()) {
    const names = await Array.fromAsync(glob('**/*', { cwd: source }))
    for (const name of names.sort()) {
      const from = join(source, name)
      if (!(await lstat(from)).isFile()) continue
      const to = join(folder, `${at}-${basename(source)}`, name)
      await mkdir(dirname(to), { recursive: true })
      const bytes = await readFile(from)
      hash.update(`${name}\n`).update(createHash('sha256').update(bytes).digest())
      files += 1
      sizeBytes += bytes.length
      if (name.endsWith('.jsonl')) await writeFile(to, withoutDescribed(bytes, described))
      else await copyFile(from, to)
    }
  }
  return { folder, hash: hash.digest('hex').slice(0, 16), files, sizeBytes, described }
}

/** The digest by which a line's described calls are found; without its line feed. */
export function lineDigest(line: Uint8Array): string {
  return createHash('sha256').update(line).digest('base64')
}

function withoutDescribed(bytes: Buffer, described: Map<string, readonly ShellCall[]>): Buffer {
  const pieces: Buffer[] = []
  for (let start = 0; start < bytes.length; ) {
    const feed = bytes.indexOf(10, start)
    const end = feed === -1 ? bytes.length : feed
    const line = bytes.subarray(start, end)
    const copied = line.includes('"description"') || line.includes('Background command') ? withoutDescribedLine(line, described) : line
    pieces.push(copied, bytes.subarray(end, end + 1))
    start = end + 1
  }
  return Buffer.concat(pieces)
}

function withoutDescribedLine(line: Buffer, described: Map<string, readonly ShellCall[]>): Buffer {
  let parsed: unknown
  try {
    parsed = JSON.parse(line.toString())
  } catch {
    return line
  }
  const { value, calls } = withoutDescriptions(parsed)
  const text = JSON.stringify(value)
  if (text === JSON.stringify(parsed)) return line
  const copied = Buffer.from(text)
  described.set(lineDigest(copied), calls)
  return copied
}
