import { isAbsolute, join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** OpenCode's data folder: `$XDG_DATA_HOME/opencode`, else `~/.local/share/opencode`. */
export function openCodeDataFolder(environment: Environment, homeFolder: string): string {
  const data = environment['XDG_DATA_HOME']
  return join(data === undefined || data === '' ? join(homeFolder, '.local', 'share') : data, 'opencode')
}

/** The folders below which the sessions of OpenCode 1.1 and earlier lie, which later versions leave there. */
export function openCodeSessionFolders(environment: Environment, homeFolder: string): readonly string[] {
  return [join(openCodeDataFolder(environment, homeFolder), 'storage', 'session')]
}

/** The database that `OPENCODE_DB` names, relative to the data folder, where it names one. */
export function openCodeNamedDatabase(environment: Environment, homeFolder: string): string | undefined {
  const named = environment['OPENCODE_DB']
  if (named === undefined || named === '' || named === ':memory:') return undefined
  return isAbsolute(named) ? named : join(openCodeDataFolder(environment, homeFolder), named)
}
