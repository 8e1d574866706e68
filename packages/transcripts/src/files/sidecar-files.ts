import { lstat, readdir } from 'node:fs/promises'
import { join, normalize } from 'node:path'
import type { AbortOptions, FileIdentity, SidecarRule, TranscriptPart } from '@palimpsest/core'
import { CheckpointError } from '@palimpsest/core'
import { errorCode, unreadable } from './file-errors.ts'
import { isSegment, isSidecarName } from './part-name.ts'
import { identityOf, reopenedSource } from './regular-file.ts'

/** A regular file beside the main part, as it was when it was found. */
export interface SidecarFile {
  readonly name: string
  readonly path: string
  readonly identity: FileIdentity
}

/**
 * The files beside a main part that a rule names, by name: regular files of acceptable names, no more than `maxDepth` segments below the
 * rule's folder. Nothing is reached through a symbolic link. A name that two rules give is the first rule's. Throws `TRANSCRIPT_UNREADABLE`
 * for a folder that is there but can't be read.
 */
export async function findSidecars(
  mainFolder: string,
  rules: readonly SidecarRule[],
  { signal }: AbortOptions,
): Promise<readonly SidecarFile[]> {
  const found = new Map<string, SidecarFile>()
  for (const rule of rules) {
    const folder = await folderBelow(mainFolder, rule.folder)
    if (folder === undefined) continue
    for await (const name of namesBelow(folder, '', rule.maxDepth)) {
      signal?.throwIfAborted()
      if (found.has(name) || name.search(rule.pattern) === -1) continue
      const path = join(folder, name)
      const stats = await lstat(path, { bigint: true }).catch(absentOr(path))
      if (stats?.isFile() === true) found.set(name, { name, path, identity: identityOf(stats) })
    }
  }
  return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1))
}

/** A sidecar as a part. It is opened for each read, since a session can have hundreds. */
export function sidecarPart({ name, path, identity }: SidecarFile): TranscriptPart {
  const source = reopenedSource(path, identity.sizeBytes, (file) => {
    if (isSameFile(identity, file.identity)) return
    throw new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} was replaced while it was read. Try again.`, { path })
  })
  return { name, source }
}

/** Whether a sidecar is still the file that was found, and has lost nothing. */
export async function isStillThere({ path, identity }: SidecarFile): Promise<boolean> {
  const stats = await lstat(path, { bigint: true }).catch(absentOr(path))
  return stats?.isFile() === true && isStillWhole(identity, identityOf(stats))
}

/** Whether a file that is looked at again may have grown, but nothing else: what was written and is as long as before was rewritten in place. */
export function isStillWhole(before: FileIdentity, now: FileIdentity): boolean {
  if (!isSameFile(before, now) || now.sizeBytes < before.sizeBytes) return false
  return now.sizeBytes > before.sizeBytes || now.modifiedAtMs === before.modifiedAtMs
}

/** Whether two states are of one file. */
export function isSameFile(one: FileIdentity, other: FileIdentity): boolean {
  return one.device === other.device && one.inode === other.inode
}

/** A folder below another one, each step of the way a real folder; `undefined` where it isn't. */
async function folderBelow(parent: string, relative: string): Promise<string | undefined> {
  let folder = parent
  for (const segment of normalize(relative).split(/[/\\]/)) {
    if (segment === '.' || segment === '') continue
    if (!isSegment(segment)) return undefined
    folder = join(folder, segment)
    const stats = await lstat(folder).catch(absentOr(folder))
    if (stats?.isDirectory() !== true) return undefined
  }
  return folder
}

async function* namesBelow(folder: string, prefix: string, depth: number): AsyncGenerator<string, void, undefined> {
  if (depth < 1) return
  const entries = (await readdir(folder, { withFileTypes: true }).catch(absentOr(folder))) ?? []
  for (const entry of entries) {
    const name = `${prefix}${entry.name}`
    if (!isSidecarName(name)) continue
    if (entry.isDirectory()) yield* namesBelow(join(folder, entry.name), `${name}/`, depth - 1)
    else yield name
  }
}

function absentOr(path: string): (error: unknown) => undefined {
  return (error) => {
    const code = errorCode(error)
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw unreadable(path, error)
  }
}
