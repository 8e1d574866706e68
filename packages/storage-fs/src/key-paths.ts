import { type Key, parseKey } from '@palimpsest/core'

/**
 * How keys lie in folders. A segment that is not the last becomes a folder with `+` behind its name, so that `a` and `a/b` live side by side.
 * In a sharded tree every segment of two or more characters lies in a folder of its first two with `=` behind them, so that a folder of
 * ten thousand names is read in pieces. Neither sign is part of any key.
 */
export interface KeyTree {
  readonly root: string
  readonly sharded: boolean
}

/** A place below the store's folder. */
export interface Place {
  readonly folder: string
  readonly name: string
}

/** Where the file, or the folder, of a key is. */
export function placeOf(tree: KeyTree, key: Key): Place {
  const segments = key.split('/')
  const name = segments.pop() ?? ''
  return { folder: shardOf(tree, folderOf(tree, segments), name), name }
}

/** Lists the names in a folder, in any order; none when it is absent. */
export type ReadNames = (folder: string) => Promise<readonly string[]>

/** All keys of a tree that begin with `prefix` and come after `after`, in byte order, reading only the folders it takes. */
export function keysOf(tree: KeyTree, prefix: string, after: Key | undefined, readNames: ReadNames): AsyncGenerator<Key> {
  const segments = prefix.split('/')
  const begun = segments.pop() ?? ''
  const base = segments.map((segment) => `${segment}/`).join('')
  const folder = folderOf(tree, segments)
  const start = begun.length < 2 ? folder : shardOf(tree, folder, begun)
  return walk({ tree, prefix, after, readNames }, start, base)
}

interface Walk {
  readonly tree: KeyTree
  readonly prefix: string
  readonly after: Key | undefined
  readonly readNames: ReadNames
}

async function* walk(options: Walk, folder: string, base: string): AsyncGenerator<Key> {
  const { tree, prefix, after, readNames } = options
  const entries = (await readNames(folder)).map((name) => ({ name, begins: base + beginningOf(name) }))
  entries.sort((a, b) => (a.begins < b.begins ? -1 : 1))
  for (const { name, begins } of entries) {
    if (name.endsWith('+') || (tree.sharded && name.endsWith('='))) {
      const related = begins.startsWith(prefix) || prefix.startsWith(begins)
      const passed = after !== undefined && begins < after && !after.startsWith(begins)
      if (related && !passed) yield* walk(options, `${folder}/${name}`, name.endsWith('+') ? begins : base)
    } else if (begins.startsWith(prefix) && (after === undefined || begins > after)) {
      const key = keyAt(tree, begins, folder)
      if (key !== undefined) yield key
    }
  }
}

/** What every key in a folder, or of a file, begins with. */
function beginningOf(name: string): string {
  if (name.endsWith('+')) return `${name.slice(0, -1)}/`
  return name.endsWith('=') ? name.slice(0, -1) : name
}

/** The key of a file found in `folder`; `undefined` for files that others put there. */
function keyAt(tree: KeyTree, text: string, folder: string): Key | undefined {
  try {
    const key = parseKey(text)
    return placeOf(tree, key).folder === folder ? key : undefined
  } catch {
    return undefined
  }
}

function folderOf(tree: KeyTree, segments: readonly string[]): string {
  return segments.reduce((folder, segment) => `${shardOf(tree, folder, segment)}/${segment}+`, tree.root)
}

function shardOf(tree: KeyTree, folder: string, segment: string): string {
  return tree.sharded && segment.length >= 2 ? `${folder}/${segment.slice(0, 2)}=` : folder
}
