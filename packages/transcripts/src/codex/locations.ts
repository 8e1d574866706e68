import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** Codex's own folder: `CODEX_HOME`, else `~/.codex`. Empty counts as absent. */
export function codexHomeFolder(environment: Environment, homeFolder: string): string {
  const folder = environment['CODEX_HOME']?.trim()
  return folder === undefined || folder === '' ? join(homeFolder, '.codex') : folder
}

/** The folders below which Codex's sessions lie: by day in `sessions`, and all in one folder once they are archived. */
export function codexSessionFolders(environment: Environment, homeFolder: string): readonly string[] {
  const home = codexHomeFolder(environment, homeFolder)
  return [join(home, 'sessions'), join(home, 'archived_sessions')]
}
