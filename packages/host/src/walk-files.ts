import type { Dirent } from 'node:fs'
import { readdir, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import { isGeminiDocumentName, isOpenCodeDatabaseName, isOpenCodeSessionFile } from '@palimpsest/transcripts'
import type { FindProblem } from './find-transcripts.ts'

/** Deeper folders are not looked into, but reported. Agents keep sessions four folders down at most. */
const maxDepth = 24

/** A regular file that may be a session. */
export interface FoundFile {
  readonly path: string
  /** The names in its folder. */
  readonly siblings: ReadonlySet<string>
  /** Named by the user, so that it must be a session. */
  readonly named: boolean
}

/** What a walk came upon, and the folder that it belongs to, by which a walk that has been there can be told; `undefined` where that can't be said. */
export interface Walked {
  readonly found: FoundFile | FindProblem
  readonly folder: string | undefined
}

/**
 * The regular files below `root` that may hold sessions by their names (`.jsonl`, `.jsonl.zst`, those of OpenCode and of older Gemini CLIs), depth first, by name. Links to
 * folders are followed and each folder is visited once, whatever name leads to it (`visited` may be shared by several walks); links to files are passed over. A folder that can't be read is a problem, and the walk goes on.
 */
export async function* walkFiles(
  root: string,
  options: { readonly visited: Set<string>; readonly signal: AbortSignal | undefined; readonly mayBeAbsent: boolean },
): AsyncGenerator<Walked, void, undefined> {
  const waiting: { path: string; depth: number; file?: { readonly siblings: ReadonlySet<string>; readonly folder: string } }[] = [
    { path: root, depth: 0 },
  ]
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    options.signal?.throwIfAborted()
    const { path, depth, file } = next
    if (file !== undefined) {
      yield { found: { path, siblings: file.siblings, named: false }, folder: file.folder }
      continue
    }
    let folder: string | undefined
    let entries: readonly Dirent[]
    try {
      folder = await identityOf(path)
      if (options.visited.has(folder)) continue
      if (depth > maxDepth) throw tooDeep(path)
      options.visited.add(folder)
      entries = await listFolder(path)
    } catch (caught) {
      const error = unreadableFolder(path, caught)
      // What vanished since its folder was listed is gone for everybody.
      const vanished = isAbsent(error.cause) && (depth > 0 || options.mayBeAbsent)
      if (!vanished) yield { found: { path, error }, folder }
      continue
    }
    const home = folder
    const siblings = new Set(entries.map(({ name }) => name))
    const below = entries.filter((entry) => mayHoldSessions(path, entry))
    for (const entry of below.toReversed()) {
      const place = { path: join(path, entry.name), depth: depth + 1 }
      if (entry.isFile()) waiting.push({ ...place, file: { siblings, folder: home } })
      else if (entry.isDirectory() || (await leadsToFolder(place.path))) waiting.push(place)
    }
  }
}

/** What a folder holds, by name in the order of its characters' codes, so that every machine finds the same first. */
export async function listFolder(path: string): Promise<Dirent[]> {
  const entries = await readdir(path, { withFileTypes: true })
  return entries.sort((left, right) => (left.name < right.name ? -1 : 1))
}

async function identityOf(folder: string): Promise<string> {
  const { dev, ino } = await stat(folder, { bigint: true })
  return `${dev}:${ino}`
}

function mayHoldSessions(folder: string, entry: Dirent): boolean {
  if (!entry.isFile()) return entry.isDirectory() || entry.isSymbolicLink()
  const { name } = entry
  if (/\.jsonl(\.zst)?$/.test(name)) return true
  return isOpenCodeDatabaseName(name) || isGeminiDocumentName(name) || isOpenCodeSessionFile(join(folder, name))
}

async function leadsToFolder(link: string): Promise<boolean> {
  return (await stat(link).catch(() => undefined))?.isDirectory() === true
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT'
}

function tooDeep(path: string): CheckpointError<'TRANSCRIPT_UNREADABLE'> {
  const message = `${path} lies more than ${maxDepth} folders below the one that was named. Name it itself to look into it.`
  return new CheckpointError('TRANSCRIPT_UNREADABLE', message, { path })
}

function unreadableFolder(path: string, error: unknown): CheckpointError {
  if (error instanceof CheckpointError) return error
  const reason = error instanceof Error ? error.message : String(error)
  return new CheckpointError(
    'TRANSCRIPT_UNREADABLE',
    `The folder ${path} can't be read: ${reason}. Check its permissions.`,
    { path },
    { cause: error },
  )
}
