import { join } from 'node:path'

type Environment = Readonly<Record<string, string | undefined>>

/** pi's own folder: `PI_CODING_AGENT_DIR`, else `~/.pi/agent`. */
export function piAgentFolder(environment: Environment, homeFolder: string): string {
  return folderOf(environment['PI_CODING_AGENT_DIR'], homeFolder) ?? join(homeFolder, '.pi', 'agent')
}

/** The folders below which pi's sessions lie: that of its agent folder, and `PI_CODING_AGENT_SESSION_DIR` where it is set. */
export function piSessionFolders(environment: Environment, homeFolder: string): readonly string[] {
  const sessions = join(piAgentFolder(environment, homeFolder), 'sessions')
  const own = folderOf(environment['PI_CODING_AGENT_SESSION_DIR'], homeFolder)
  return own === undefined || own === sessions ? [sessions] : [sessions, own]
}

/** OpenClaw's own folder: `OPENCLAW_STATE_DIR`, else `~/.openclaw`. */
export function openClawStateFolder(environment: Environment, homeFolder: string): string {
  return folderOf(environment['OPENCLAW_STATE_DIR'], homeFolder) ?? join(homeFolder, '.openclaw')
}

/** The folders below which OpenClaw's sessions lie: `agents` of its own folder, one folder for each agent. */
export function openClawSessionFolders(environment: Environment, homeFolder: string): readonly string[] {
  return [join(openClawStateFolder(environment, homeFolder), 'agents')]
}

function folderOf(value: string | undefined, homeFolder: string): string | undefined {
  const folder = value?.trim()
  if (folder === undefined || folder === '') return undefined
  return folder === '~' || folder.startsWith('~/') ? join(homeFolder, folder.slice(1)) : folder
}
