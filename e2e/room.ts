import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { claudeIn, installClaudeCode } from './claude-client.ts'
import { branched, firstPrompt, nextPrompt, noAutoCompact, palimpsestOf, resumed, unansweredPrompt } from './claude-steps.ts'
import { codexIn, installCodex } from './codex-client.ts'
import {
  assertContinues,
  branched as codexBranched,
  firstPrompt as codexFirst,
  fullPrompt as codexFull,
  nextPrompt as codexNext,
} from './codex-steps.ts'
import { withClient } from './install-kept.ts'
import { at, shown } from './json-value.ts'
import { type Palimpsest, palimpsestIn, scannedOnce } from './palimpsest.ts'
import { assertOnlyPrompt, lastTurn } from './resumed-messages.ts'
import type { Scenario, Suite } from './suite.ts'

type Client = { readonly program: string }

/** Branches of full contexts from before a turn, or from where so much of the context is free: the model is sent what it was sent there. */
export const room: Suite = {
  name: 'room',
  run: async (course) => {
    await withClient<Client>(course, 'claude-code', 'mock-anthropic-messages.mjs', installClaudeCode, {
      'branches of a full context': inClaude,
    })
    await withClient<Client>(course, 'codex', 'mock-openai-responses.mjs', () => installCodex('0.169.0'), {
      'branches of a full context': inCodex,
    })
  },
}

async function inClaude(scenario: Scenario, { program }: Client): Promise<void> {
  const client = await claudeIn(scenario, program)
  const palimpsest = await palimpsestOf(scenario, client)
  const sessionId = randomUUID()
  const resume = ['--resume', sessionId]
  const turns = await scenario.check('the client holds a small turn and a wide one, and compacts when the context is full', async () => {
    const small = lastTurn(await client.prompt(firstPrompt, ['--session-id', sessionId]))
    await client.prompt(
      'wide [[par Bash {"command":"seq 1 5000"} || Bash {"command":"seq 5001 10000"} || Bash {"command":"seq 10001 14000"}]] [[say WIDE]]',
      resume,
    )
    const big = lastTurn(await client.prompt('big [[usage-last 975000]] [[say BIG]]', resume))
    const late = await client.prompt(unansweredPrompt, resume)
    if (!late.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
    return { small, big }
  })
  const id = await scannedOnce(palimpsest, await client.transcript(sessionId))
  await scenario.check('before the last turn: the model is sent exactly what it was sent before that', async () => {
    const branch = await branched(palimpsest, id, '--before-turn')
    assertOnlyPrompt(await resumed(client, branch.resume, turns.big, noAutoCompact), nextPrompt)
  })
  await scenario.check('a half left free: what was sent in the small turn, and the client does not compact again by itself', async () => {
    const branch = await branched(palimpsest, id, '--leave', '50%')
    assertOnlyPrompt(await resumed(client, branch.resume, turns.small), nextPrompt)
  })
  await roomIsSaid(scenario, palimpsest, id)
}

async function inCodex(scenario: Scenario, { program }: Client): Promise<void> {
  const client = await codexIn(scenario, program)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  const held = await scenario.check('the client holds a small turn and a wide one, and compacts within a third', async () => {
    const { sessionId } = await client.prompt(codexFirst)
    const wide = await client.prompt('wide\nRUN: seq 1 5000\nRUN: seq 5001 9000\nSAY: WIDE', 'resume', sessionId)
    const full = await client.prompt(codexFull, 'resume', sessionId)
    if (!full.requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
    // All that stands before the prompt of a turn.
    const before = (requests: typeof full.requests): readonly unknown[] => requests[0]?.messages.slice(0, -1) ?? []
    return { path: await client.rollout(sessionId), beforeWide: before(wide.requests), beforeFull: before(full.requests) }
  })
  const id = await scannedOnce(palimpsest, held.path)
  await scenario.check('before the last turn: the model is sent exactly what it was sent before that', async () => {
    const { sessionId } = await codexBranched(palimpsest, id, '--before-turn')
    assertContinues(held.beforeFull, (await client.prompt(codexNext, 'resume', sessionId)).requests)
  })
  await scenario.check('a half left free: what was sent before the wide turn, and the client does not compact', async () => {
    const { sessionId } = await codexBranched(palimpsest, id, '--leave', '50%')
    assertContinues(held.beforeWide, (await client.prompt(codexNext, 'resume', sessionId)).requests)
  })
  await roomIsSaid(scenario, palimpsest, id)
}

async function roomIsSaid(scenario: Scenario, palimpsest: Palimpsest, id: string): Promise<void> {
  await scenario.also('the branch says how much of the context it has, and does not warn of a compaction', async () => {
    const branch = await palimpsest.json('branch', id, '--leave', '50%')
    const share = Number(at(branch, 'room', 'keptBytes')) / Number(at(branch, 'room', 'contextBytes'))
    if (!(share > 0 && share <= 0.5)) throw new Error(`room is ${shown(at(branch, 'room'))}`)
    if (/DISABLE_AUTO_COMPACT|model_auto_compact_token_limit/.test(shown(at(branch, 'warnings'), 2000)))
      throw new Error(`the warnings are ${shown(at(branch, 'warnings'), 2000)}`)
  })
}
