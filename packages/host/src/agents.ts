import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import type { AgentId, TranscriptReader } from '@palimpsest/core'
import {
  claudeCodeConfigFolder,
  claudeCodeReader,
  claudeCodeSessionFolders,
  codexHomeFolder,
  codexReader,
  codexSessionFolders,
  copilotFolder,
  copilotReader,
  copilotSessionFolders,
  geminiFolder,
  geminiProjectName,
  geminiReader,
  geminiSessionFolders,
  messagesReader,
  openClawReader,
  openClawSessionFolders,
  openClawStateFolder,
  openCodeDataFolder,
  openCodeNamedDatabase,
  openCodeReader,
  openCodeSessionFolders,
  piAgentFolder,
  piReader,
  piSessionFolders,
} from '@palimpsest/transcripts'
import { mindingFolder } from './session-folder.ts'

/** The agents whose sessions can be read, each with where it keeps them. */
export interface Agents {
  /** In the order in which they are asked whose a file is. */
  readonly readers: readonly TranscriptReader[]
  /** By agent, the folders below which its sessions lie, whether they are there or not. */
  readonly sessionFolders: ReadonlyMap<AgentId, readonly string[]>
  /** By agent, where its databases lie, whether they are there or not. */
  readonly databases: ReadonlyMap<AgentId, DatabasePlace>
}

/** Where the databases of an agent lie: those in a folder, known by their names, and one that the environment names. */
export interface DatabasePlace {
  readonly folder: string
  readonly named?: string | undefined
}

/** The readers, set up for the folders that the environment and the home folder say. Reads nothing. */
export function knownAgents(env: Readonly<Record<string, string | undefined>>, homeFolder: string): Agents {
  const stateFolder = openClawStateFolder(env, homeFolder)
  const openCodeFolder = openCodeDataFolder(env, homeFolder)
  return {
    readers: [
      openClawReader({ stateFolder }),
      piReader({ agentFolder: piAgentFolder(env, homeFolder), openClawStateFolder: stateFolder }),
      claudeCodeReader({ configFolder: claudeCodeConfigFolder(env, homeFolder) }),
      codexReader({ homeFolder: codexHomeFolder(env, homeFolder) }),
      openCodeReader({ dataFolder: openCodeFolder }),
      messagesReader(),
      geminiReader(geminiHome(geminiFolder(env, homeFolder))),
      copilotReader({ folder: copilotFolder(env, homeFolder) }),
    ].map(mindingFolder),
    sessionFolders: new Map([
      ['openclaw', openClawSessionFolders(env, homeFolder)],
      ['pi', piSessionFolders(env, homeFolder)],
      ['claude-code', claudeCodeSessionFolders(env, homeFolder)],
      ['codex', codexSessionFolders(env, homeFolder)],
      ['opencode', openCodeSessionFolders(env, homeFolder)],
      ['gemini', geminiSessionFolders(env, homeFolder)],
      ['copilot', copilotSessionFolders(env, homeFolder)],
    ]),
    databases: new Map([['opencode', { folder: openCodeFolder, named: openCodeNamedDatabase(env, homeFolder) }]]),
  }
}

/** Gemini CLI's folder, with the names that its registry gives projects; the registry is read when a session is placed. */
function geminiHome(folder: string) {
  return {
    folder,
    projectName: (cwd: string) => {
      try {
        return geminiProjectName(readFileSync(join(folder, 'projects.json'), 'utf8'), resolve(cwd))
      } catch {
        // Without a registry no project is known; the placement says so.
        return undefined
      }
    },
  }
}
