import { join } from 'node:path'

/** Copilot CLI's own folder: `COPILOT_HOME`, else `.copilot` in the home folder. Empty counts as absent. */
export function copilotFolder(env: Readonly<Record<string, string | undefined>>, homeFolder: string): string {
  const own = env['COPILOT_HOME']
  return own === undefined || own === '' ? join(homeFolder, '.copilot') : own
}

/** The folders below which Copilot CLI keeps sessions, a folder each. */
export function copilotSessionFolders(env: Readonly<Record<string, string | undefined>>, homeFolder: string): readonly string[] {
  return [join(copilotFolder(env, homeFolder), 'session-state')]
}
