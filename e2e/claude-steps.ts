import { readdir, readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { branchedFor } from './branched-session.ts'
import { boundariesOf, type ClaudeClient } from './claude-client.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { listAt, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestCommand, palimpsestIn, scanned, storeUrlOf } from './palimpsest.ts'
import { continuationOf, firstTurn, lastTurn } from './resumed-messages.ts'
import type { ModelRequest } from './stand-ins.ts'
import type { Scenario } from './suite.ts'

/** Keeps the client from compacting: a session restored to where an automatic compaction began is over the threshold. */
export const noAutoCompact = { DISABLE_AUTO_COMPACT: '1' }

/** Tools one after the other. */
export const firstPrompt = 'one [[tool Bash {"command":"echo first-$((6*7))"}]] [[tool Read {"file_path":"notes.txt"}]] [[say ONE]]'

/** Tools at once, and thinking: what a reader that follows parents loses first. */
export const secondPrompt =
  'two [[par Bash {"command":"echo left-$((1+1))"} || Bash {"command":"echo right-$((2+2))"}]] [[think weighing left and right]] [[say TWO]]'

/** What makes the client write files beside the session. */
export const sidecarPrompt =
  'helper [[tool Agent {"description":"helper task","prompt":"Sub agent please answer","subagent_type":"general-purpose","run_in_background":false}]] [[tool Bash {"command":"seq 1 30000"}]] [[say HELPED]]'

/** The prompt before which the client compacts by itself. */
export const unansweredPrompt = 'late [[say LATE]]'

/** The prompt after a branch or a restore. */
export const nextPrompt = 'next [[say NEXT]]'

/** Two prompts with tools and a compaction by hand; gives the last request before it. */
export async function heldAndCompacted(
  client: ClaudeClient,
  sessionId: string,
): Promise<{ readonly path: string; readonly before: ModelRequest }> {
  await client.prompt(firstPrompt, ['--session-id', sessionId])
  const second = await client.prompt(secondPrompt, ['--resume', sessionId])
  const path = await client.transcript(sessionId)
  const uncompacted = await readFile(path)
  const compaction = await client.prompt('/compact', ['--resume', sessionId])
  if (!compaction.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
  const compacted = await readFile(path)
  assertSameBytes(uncompacted, compacted.subarray(0, uncompacted.length), 'the transcript before the compaction, in the one after it')
  const boundaries = await boundariesOf(path)
  assertSame(1, boundaries.length, 'the number of boundaries')
  return { path, before: lastTurn(second) }
}

/** A prompt with tools, one that fills the context, and one more, before which the client compacts; gives the last request before that. */
export async function heldAndOverfilled(
  client: ClaudeClient,
  sessionId: string,
): Promise<{ readonly path: string; readonly before: ModelRequest }> {
  await client.prompt(firstPrompt, ['--session-id', sessionId])
  const big = await client.prompt('big [[usage-last 975000]] [[say BIG]]', ['--resume', sessionId])
  const late = await client.prompt(unansweredPrompt, ['--resume', sessionId])
  if (!late.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
  return { path: await client.transcript(sessionId), before: lastTurn(big) }
}

/** The last request for an answer before each request for a summary. */
export function turnsBeforeSummaries(requests: readonly ModelRequest[]): readonly ModelRequest[] {
  return requests.flatMap((request, index) => (request.kind === 'compact' ? [lastTurn(requests.slice(0, index))] : []))
}

/** Resumes a session with a new prompt, checks that the model is sent all of `before` and its answer, and gives what it is sent beyond that. */
export async function resumed(
  client: ClaudeClient,
  resume: readonly string[],
  before: ModelRequest,
  env?: NodeJS.ProcessEnv,
): Promise<readonly unknown[]> {
  const requests = await client.prompt(nextPrompt, resume, env)
  const kinds = requests.map((request) => request.kind)
  if (kinds.includes('compact')) throw new Error(`the client compacted on resume: ${kinds.join(', ')}`)
  return continuationOf(before, firstTurn(requests)).after
}

/** Checks that a resumed session does not send what it once did. */
export async function assertForgotten(client: ClaudeClient, resume: readonly string[], before: ModelRequest): Promise<void> {
  const request = firstTurn(await client.prompt(nextPrompt, resume))
  if (!JSON.stringify(request.messages).includes('MOCK-SUMMARY')) throw new Error('the compacted session sends no summary')
  try {
    continuationOf(before, request)
  } catch {
    return
  }
  throw new Error('the comparison finds the compacted session equal to the one before the compaction')
}

/** A new session from a checkpoint, and the words with which the client resumes it, as the command gives them. */
export const branched = branchedFor('claude')

/** Settings by which the client captures before it compacts, as a test's hook does. */
export function capturingSettings(scenario: Scenario, log: string): unknown {
  const script = fileURLToPath(new URL('./pre-compact-hook.ts', import.meta.url))
  const words = [process.execPath, script, palimpsestCommand, storeUrlOf(join(scenario.folder, 'store')), log]
  const hook = { type: 'command', command: words.map((word) => `'${word}'`).join(' '), timeout: 60 }
  return { hooks: { PreCompact: [{ hooks: [hook] }] } }
}

/** Scans one file that has two compactions; gives their checkpoints, oldest first. */
export async function scannedTwo(palimpsest: Palimpsest, path: string): Promise<readonly [string, string]> {
  const [first, second, ...more] = await scanned(palimpsest, path)
  if (first === undefined || second === undefined || more.length > 0) throw new Error('expected two checkpoints')
  return [first, second]
}

/** The ids of a list, newest first. */
export async function listedIds(palimpsest: Palimpsest, ...words: readonly string[]): Promise<readonly string[]> {
  const checkpoints = listAt(await palimpsest.json('list', '--agent', 'claude-code', ...words), 'checkpoints')
  return checkpoints.map((checkpoint) => textAt(checkpoint, 'id'))
}

/** The files below a folder by their relative names, in order. */
export async function filesBelow(folder: string): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const names = entries.flatMap((entry) => (entry.isFile() ? [relative(folder, join(entry.parentPath, entry.name))] : []))
  const files = names.sort().map(async (name) => [name, await readFile(join(folder, name))] as const)
  return new Map(await Promise.all(files))
}

/** The command on the store of a scenario, in the home of its client. */
export function palimpsestOf(scenario: Scenario, client: ClaudeClient): Promise<Palimpsest> {
  return palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
}
