import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boundariesOf as claudeBoundariesOf, claudeIn } from './claude-client.ts'
import { branched as claudeBranched, firstPrompt as claudeFirst, nextPrompt, noAutoCompact, palimpsestOf, resumed } from './claude-steps.ts'
import { boundariesOf as codexBoundariesOf, codexIn } from './codex-client.ts'
import {
  assertContinues,
  branched as codexBranched,
  firstPrompt as codexFirst,
  nextPrompt as codexNext,
  fullPrompt,
  summaryRequest,
} from './codex-steps.ts'
import { type Palimpsest, palimpsestIn } from './palimpsest.ts'
import { assertOnlyPrompt, lastTurn } from './resumed-messages.ts'
import type { Scenario } from './suite.ts'

/** A client with our hooks and one session in it, so that what is the same for every agent can be said once. */
export interface HookedClient {
  readonly agent: string
  readonly home: string
  readonly palimpsest: Palimpsest
  /** Holds a first turn, with a tool. */
  begin(): Promise<void>
  /** Goes on with the session and has it compacted. */
  compact(): Promise<TakenBack>
  path(): Promise<string>
  /** The bytes of the transcript before its nth compaction, from 0. */
  bytesBefore(nth: number): Promise<Buffer>
  /** Gives our hooks another time limit. */
  limitHooks(seconds: number): Promise<void>
}

/** Checks that the model is sent exactly what it was sent last before a compaction. */
export interface TakenBack {
  /** By a branch of its checkpoint. */
  inBranch(checkpointId: string): Promise<void>
  /** By the session itself, once it is restored in place. */
  inPlace(): Promise<void>
}

/** How a client of one agent is set up in the folder of a scenario. */
export type HookedClientOf = (scenario: Scenario, program: string) => Promise<HookedClient>

/** Claude Code, compacted by hand. */
export const hookedClaude: HookedClientOf = async (scenario, program) => {
  const client = await claudeIn(scenario, program)
  const palimpsest = await palimpsestOf(scenario, client)
  await palimpsest.json('install', 'claude-code', '--yes')
  const sessionId = randomUUID()
  const path = () => client.transcript(sessionId)
  let turns = 0
  return {
    agent: 'claude-code',
    home: client.home,
    palimpsest,
    begin: async () => {
      await client.prompt(claudeFirst, ['--session-id', sessionId])
    },
    compact: async () => {
      const before = lastTurn(await client.prompt(`more-${++turns} [[say MORE]]`, ['--resume', sessionId]))
      const requests = await client.prompt('/compact', ['--resume', sessionId])
      if (!requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
      const resumes = async (resume: readonly string[]): Promise<void> =>
        assertOnlyPrompt(await resumed(client, resume, before, noAutoCompact), nextPrompt)
      return {
        inBranch: async (id) => resumes((await claudeBranched(palimpsest, id)).resume),
        inPlace: () => resumes(['--resume', sessionId]),
      }
    },
    path,
    bytesBefore: async (nth) => {
      const transcript = await readFile(await path())
      return transcript.subarray(0, (await claudeBoundariesOf(await path()))[nth]?.start)
    },
    limitHooks: (seconds) => replaced(join(client.home, '.claude/settings.json'), /"timeout": 60\b/g, `"timeout": ${seconds}`),
  }
}

/** Codex, compacted automatically within a turn. */
export const hookedCodex: HookedClientOf = async (scenario, program) => {
  // Hooks of nobody, so that the client is started without asking for trust.
  const client = await codexIn(scenario, program, { hooks: {} })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  await palimpsest.json('install', 'codex', '--yes')
  let sessionId = ''
  const path = () => client.rollout(sessionId)
  return {
    agent: 'codex',
    home: client.home,
    palimpsest,
    begin: async () => {
      sessionId = (await client.prompt(codexFirst)).sessionId
    },
    compact: async () => {
      const before = summaryRequest((await client.prompt(fullPrompt, 'resume', sessionId)).requests)
      const resumes = async (id: string): Promise<void> => assertContinues(before, (await client.prompt(codexNext, 'resume', id)).requests)
      return {
        inBranch: async (id) => resumes((await codexBranched(palimpsest, id)).sessionId),
        inPlace: () => resumes(sessionId),
      }
    },
    path,
    bytesBefore: async (nth) => (await readFile(await path())).subarray(0, (await codexBoundariesOf(await path()))[nth]),
    limitHooks: (seconds) => replaced(join(client.codexHome, 'config.toml'), /^timeout = 60$/gm, `timeout = ${seconds}`),
  }
}

async function replaced(path: string, pattern: RegExp, by: string): Promise<void> {
  const text = await readFile(path, 'utf8')
  const other = text.replace(pattern, by)
  if (other === text) throw new Error(`${path} has no ${pattern.source}`)
  await writeFile(path, other)
}
