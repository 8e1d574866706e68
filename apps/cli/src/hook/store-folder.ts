import { readFileSync, statSync } from 'node:fs'
import { isAbsolute, join, resolve } from 'node:path'

/** What decides where the store is. */
export interface StoreQuestion {
  /** The value of `--store`. */
  readonly store: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeFolder: string
  readonly currentFolder: string
}

/**
 * The folder that the host would open for this configuration; `undefined` where that takes more than a look: a store that is no folder, an
 * unusual spelling, a configuration file with anything in it but a store, a variable for the retention. Then the host decides.
 */
export function storeFolder({ store, env, homeFolder: home, currentFolder }: StoreQuestion): string | undefined {
  const limits = ['PALIMPSEST_MAX_CHECKPOINTS', 'PALIMPSEST_MAX_AGE', 'PALIMPSEST_MAX_BYTES']
  if (limits.some((name) => (env[name] ?? '').trim() !== '')) return undefined
  const file = join(baseFolder(env['XDG_CONFIG_HOME'], home, '.config'), 'palimpsest', 'config.json')
  const fromFile = storeInFile(file)
  if (fromFile === undefined) return undefined
  if (store !== undefined) return folderOf(store, currentFolder, home)
  const fromEnvironment = env['PALIMPSEST_STORE'] ?? ''
  if (fromEnvironment !== '') return folderOf(fromEnvironment, currentFolder, home)
  if (fromFile.store !== undefined) return folderOf(fromFile.store, join(file, '..'), home)
  return join(baseFolder(env['XDG_DATA_HOME'], home, '.local/share'), 'palimpsest')
}

/** `undefined` for a file that isn't plain. */
function storeInFile(file: string): { readonly store?: string | undefined } | undefined {
  try {
    // A pipe would be waited for.
    const stats = statSync(file, { throwIfNoEntry: false })
    if (stats?.isFile() !== true) return stats === undefined ? {} : undefined
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
    const names = Object.keys(value)
    if (names.length === 0) return {}
    return names.length === 1 && 'store' in value && typeof value.store === 'string' ? { store: value.store } : undefined
  } catch {
    return undefined
  }
}

function folderOf(text: string, currentFolder: string, home: string): string | undefined {
  const path = /^file:\/\/\//.test(text) ? text.slice('file://'.length) : text
  const isPlain = text.trim() !== '' && !/[\0\\]/.test(text) && (path === text || !/[%?#]/.test(path))
  if (!isPlain || /^[a-z][a-z0-9+.-]+:/i.test(path)) return undefined
  if (path === '~' || path.startsWith('~/')) return path === text ? join(home, path.slice(1)) : undefined
  return isAbsolute(path) ? resolve(path) : resolve(currentFolder, path)
}

function baseFolder(value: string | undefined, home: string, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : join(home, fallback)
}
