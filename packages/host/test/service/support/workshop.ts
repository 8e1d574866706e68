import { join } from 'node:path'
import { type Checkpoints, type CheckpointsOptions, createCheckpoints, type Key, type Storage } from '@palimpsest/core'
import { claudeCodeReader, codexReader, fileTranscript, nodeTranscriptFiles, openClawReader, piReader } from '@palimpsest/transcripts'
import { newFolder } from './folders.ts'
import { claudeCodeFile, piFile, type SessionFile } from './sessions.ts'
import type { OpenStore } from './stores.ts'

/** What a test of the service works with: a folder of agents, an empty store, and services on it. */
export interface Workshop {
  readonly folder: string
  /** Another instance on the store. */
  storage(): Storage
  /** Another service on the store, as another process would have: with an instance of its own, unless one is given. */
  service(options?: Partial<CheckpointsOptions>): Checkpoints
  pi(sessionId?: string, header?: object): Promise<SessionFile>
  claudeCode(sessionId?: string): Promise<SessionFile>
  /** The keys of all objects in the store. */
  objectKeys(): Promise<readonly Key[]>
}

export const agents = ['pi', 'claude-code'] as const

/** A session of an agent, by its name. */
export function sessionOf(workshop: Workshop, agent: (typeof agents)[number], number = 1): Promise<SessionFile> {
  return agent === 'pi'
    ? workshop.pi(`pi-session-${number}`)
    : workshop.claudeCode(`11111111-2222-4333-8444-${String(number).padStart(12, '0')}`)
}

export async function openWorkshop(openStore: OpenStore): Promise<Workshop> {
  const folder = await newFolder()
  const storage = await openStore()
  const now = secondsFrom(Date.UTC(2026, 5, 1))
  return {
    folder,
    storage,
    service: (options = {}) =>
      createCheckpoints({
        storage: storage(),
        readers: [
          piReader({ agentFolder: join(folder, 'pi-agent') }),
          openClawReader({ stateFolder: join(folder, 'openclaw') }),
          claudeCodeReader({ configFolder: join(folder, 'claude') }),
          codexReader({ homeFolder: join(folder, 'codex') }),
        ],
        files: nodeTranscriptFiles(),
        now,
        ...options,
      }),
    pi: (sessionId, header) => piFile(join(folder, 'pi-agent', 'sessions', '--home-dev-app--'), sessionId, header),
    claudeCode: (sessionId) => claudeCodeFile(join(folder, 'claude', 'projects', '-home-dev-project'), sessionId),
    async objectKeys() {
      const keys: Key[] = []
      let after: Key | undefined
      do {
        const page = await storage().objects.list('', { after })
        keys.push(...page.items.map(({ key }) => key))
        after = page.next
      } while (after !== undefined)
      return keys
    },
  }
}

/** A clock that goes on by a second each time somebody looks, so that the order of checkpoints is that in which they were made. */
export function secondsFrom(start: number): () => number {
  let seconds = 0
  return () => {
    seconds += 1
    return start + seconds * 1000
  }
}

/** The request for a capture or an import of a session file. */
export function of(file: SessionFile): { agent: string; transcript: ReturnType<typeof fileTranscript> } {
  return { agent: file.agent, transcript: fileTranscript(file.path) }
}

/** All bytes of a part. */
export async function rawOf(service: Checkpoints, id: string, part?: string): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(service.raw(id, part === undefined ? {} : { part })))
}

export async function idsIn(service: Checkpoints): Promise<readonly string[]> {
  return (await service.list({ limit: 1000 })).checkpoints.map(({ id }) => id)
}
