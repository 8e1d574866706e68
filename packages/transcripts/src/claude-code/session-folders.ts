import { join } from 'node:path'

/** Where Claude Code keeps its configuration: `CLAUDE_CONFIG_DIR`, else `.claude` in the home folder. Empty counts as absent. */
export function claudeCodeConfigFolder(env: Readonly<Record<string, string | undefined>>, homeFolder: string): string {
  const configured = env['CLAUDE_CONFIG_DIR']
  return configured === undefined || configured === '' ? join(homeFolder, '.claude') : configured
}

/** The folders below which Claude Code keeps sessions. */
export function claudeCodeSessionFolders(env: Readonly<Record<string, string | undefined>>, homeFolder: string): readonly string[] {
  return [join(claudeCodeConfigFolder(env, homeFolder), 'projects')]
}
