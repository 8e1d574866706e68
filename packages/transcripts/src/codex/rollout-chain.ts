import { readdir } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import type { AbortOptions, TranscriptSource } from '@palimpsest/core'
import { type MainFile, openMainFile } from '../files/main-file.ts'
import { assertInside } from '../files/regular-file.ts'
import { parseLine, readLines } from '../lines.ts'
import { rolloutLine, type SessionMeta, sessionMeta } from './rollout-line.ts'
import { rolloutName } from './rollout-name.ts'

/** No session was forked and reverted so often; a chain that goes on is a circle. */
const maxChain = 64

/** A file that begins with more lines that don't parse is looked at no further. */
const maxGarbageLines = 100

/** So deep do rollouts lie below `sessions`: year, month, day. */
const maxDepth = 3

/**
 * Opens a rollout. Since 0.157 a fork, and a session that was reverted, is a file that says how many bytes of which other rollout come before its own
 * lines (`history_base`); Codex reads the one after the other, and so does this: the first bytes of each, byte for byte, then the file's own. A
 * rollout that can't be found, or is shorter than that, is left out: then the first line that is left still says what is missing. Throws
 * `TRANSCRIPT_UNREADABLE`.
 */
export async function openRollout(path: string, options: AbortOptions): Promise<MainFile> {
  const own = await openMainFile(path, options)
  const links: Link[] = [{ file: own, bytes: own.source.sizeBytes }]
  let isWhole = true
  const seen = new Set([rolloutName(path)?.rolloutId])
  try {
    for (let base = await baseOf(own, options); base !== undefined && links.length < maxChain; ) {
      const found = seen.has(base.rolloutId) ? undefined : await findRollout(path, base.rolloutId)
      isWhole = found !== undefined
      if (found === undefined) break
      seen.add(base.rolloutId)
      const file = await openMainFile(found, options)
      links.unshift({ file, bytes: base.bytes })
      if (!(await endsLine(file.source, base.bytes))) {
        await links.shift()?.file.close()
        isWhole = false
        break
      }
      base = await baseOf(file, options)
    }
  } catch (error) {
    for (const { file } of links) await file.close()
    throw error
  }
  const files = isWhole ? links.toReversed().flatMap(({ file }) => file.files ?? []) : undefined
  return { ...(links.length === 1 ? own : chained(links)), files }
}

/** A file of a chain, and how many of its bytes belong to it. */
interface Link {
  readonly file: MainFile
  readonly bytes: number
}

function chained(links: readonly Link[]): Omit<MainFile, 'files'> {
  return {
    source: joinedSource(links),
    identity: undefined,
    async unchanged() {
      for (const { file } of links) if (!(await file.unchanged())) return false
      return true
    },
    async written() {
      for (const { file } of links) if (await file.written()) return true
      return false
    },
    async close() {
      for (const { file } of links) await file.close()
    },
  }
}

function joinedSource(links: readonly Link[]): TranscriptSource {
  const sizeBytes = links.reduce((size, { bytes }) => size + bytes, 0)
  const readInto = async (target: Uint8Array, start: number, options?: AbortOptions) => {
    const end = start + target.length
    assertInside({ start, end, sizeBytes })
    let first = 0
    for (const { file, bytes } of links) {
      const from = Math.max(start, first)
      const to = Math.min(end, first + bytes)
      if (from < to) target.set(await file.source.read(from - first, to - first, options), from - start)
      first += bytes
    }
  }
  return {
    sizeBytes,
    readInto,
    async read(start, end, options) {
      assertInside({ start, end, sizeBytes })
      const bytes = new Uint8Array(end - start)
      await readInto(bytes, start, options)
      return bytes
    },
  }
}

async function baseOf({ source }: MainFile, { signal }: AbortOptions): Promise<SessionMeta['base']> {
  for await (const { place, bytes } of readLines(source, { part: 'main', signal })) {
    if (place.line > maxGarbageLines) break
    const { value } = parseLine(bytes)
    if (value !== undefined) return sessionMeta(rolloutLine(value))?.base
  }
  return undefined
}

/** Whether so many bytes of a source are whole lines. */
async function endsLine(source: TranscriptSource, bytes: number): Promise<boolean> {
  if (bytes === 0 || bytes > source.sizeBytes) return false
  return (await source.read(bytes - 1, bytes))[0] === 0x0a
}

/** The file of a rollout, looked for in the folder of one that refers to it, then wherever Codex keeps sessions. */
async function findRollout(near: string, rolloutId: string): Promise<string | undefined> {
  const id = rolloutId.toLowerCase()
  const home = homeOf(near)
  const folders = [{ folder: dirname(near), depth: 0 }]
  if (home !== undefined)
    folders.push({ folder: join(home, 'sessions'), depth: maxDepth }, { folder: join(home, 'archived_sessions'), depth: 0 })
  for (const { folder, depth } of folders) {
    const found = await findIn(folder, id, depth)
    if (found !== undefined) return found
  }
  return undefined
}

/** The newest folders first: what a session goes on from is mostly not old. */
async function findIn(folder: string, rolloutId: string, depth: number): Promise<string | undefined> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
  // By name, a plain file comes before its compressed one.
  const names = entries.filter((entry) => entry.isFile()).map(({ name }) => name)
  const name = names.sort().find((each) => rolloutName(each)?.rolloutId === rolloutId)
  if (name !== undefined) return join(folder, name)
  const below = depth === 0 ? [] : entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  for (const each of below.sort().reverse()) {
    const found = await findIn(join(folder, each), rolloutId, depth - 1)
    if (found !== undefined) return found
  }
  return undefined
}

/** Codex's own folder, as far as a path tells: what holds the folder `sessions` or `archived_sessions` in it. */
function homeOf(path: string): string | undefined {
  const segments = dirname(path).split(sep)
  const at = segments.findLastIndex((segment) => segment === 'sessions' || segment === 'archived_sessions')
  return at === -1 ? undefined : segments.slice(0, at).join(sep) || sep
}
