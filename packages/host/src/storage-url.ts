import { isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { CheckpointError } from '@palimpsest/core'

/** A store's place, from what a user wrote. */
export type StorageLocation =
  | { readonly kind: 'folder'; readonly url: string; readonly folder: string }
  | { readonly kind: 'memory'; readonly url: 'memory:' }

/** What a relative path is relative to, and who is named in an error. */
export interface StorageUrlContext {
  readonly baseFolder: string
  readonly homeFolder: string
  /** The setting, such as `--store`. */
  readonly argument: string
}

const accepted = 'a folder (a path or a file: URL) or memory:'

/**
 * Reads a storage URL: `file:///absolute`, `file:relative`, a plain path (`~/` is the home folder), or `memory:`. `url` is absolute and the same
 * for all spellings of one folder. Throws `ARGUMENT_INVALID` for everything else, and never repeats what may hold a password.
 */
export function parseStorageUrl(text: string, context: StorageUrlContext): StorageLocation {
  const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(text)?.[1]?.toLowerCase()
  if (text.trim() === '') throw refused(context, 'is empty')
  if (text.includes('\0')) throw refused(context, 'holds a NUL character')
  switch (scheme) {
    case undefined:
      return folderLocation(text, context)
    case 'memory':
      if (text.length > 'memory:'.length) throw refused(context, 'has something after memory:, which names nothing')
      return { kind: 'memory', url: 'memory:' }
    case 'file':
      return folderLocation(pathOfFileUrl(text, context), context)
    default:
      throw refused(
        context,
        `begins with ${scheme}:, a kind of store that there is no adapter for (a path with a colon is written ./${scheme}:…)`,
      )
  }
}

/** The path in a `file:` URL, relative where the URL is. */
function pathOfFileUrl(text: string, context: StorageUrlContext): string {
  const rest = text.slice('file:'.length)
  // What follows ? or # would be dropped in silence, and the store be another one than was meant.
  if (/[?#]/.test(rest)) throw refused(context, 'has a ? or # in its file: URL; in a path they are written %3F and %23')
  try {
    const path = rest.startsWith('/') ? fileURLToPath(text) : decodeURIComponent(rest)
    if (rest !== '' && rest !== '//' && !path.includes('\0')) return path
  } catch (cause) {
    throw refused(context, 'is not a file: URL of this machine', cause)
  }
  throw refused(context, 'names no folder')
}

function folderLocation(path: string, { baseFolder, homeFolder }: StorageUrlContext): StorageLocation {
  const fromHome = path === '~' || path.startsWith('~/')
  const folder = fromHome ? join(homeFolder, path.slice(1)) : isAbsolute(path) ? resolve(path) : resolve(baseFolder, path)
  return { kind: 'folder', url: pathToFileURL(folder).href, folder }
}

function refused({ argument }: StorageUrlContext, problem: string, cause?: unknown): CheckpointError<'ARGUMENT_INVALID'> {
  const message = `The store that ${argument} names ${problem}. Give ${accepted}.`
  return new CheckpointError('ARGUMENT_INVALID', message, { argument, expected: accepted }, cause === undefined ? {} : { cause })
}
