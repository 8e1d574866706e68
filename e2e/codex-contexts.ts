import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boundariesOf, codexIn, segmentsOf } from './codex-client.ts'
import { assertContinues, branched, firstPrompt, fullPrompt, nextPrompt, summaryRequest, whereDifferent } from './codex-steps.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, shown, textAt } from './json-value.ts'
import { palimpsestIn, scannedOnce, shownCheckpoint } from './palimpsest.ts'
import { assertOnlyPrompt } from './resumed-messages.ts'
import type { Scenario } from './suite.ts'

/** A model that begins a new context by itself: no summary is asked for, and nothing of the session is left. */
export async function contextBegunAnew(scenario: Scenario, program: string): Promise<void> {
  const client = await codexIn(scenario, program, { features: ['token_budget'] })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  const { path, before } = await scenario.check('the model calls new_context, and is sent nothing of the session after that', async () => {
    const { sessionId } = await client.prompt(firstPrompt)
    const { requests } = await client.prompt('two\nRUN: echo second-$((6*8))\nCALL: new_context {}\nSAY: TWO', 'resume', sessionId)
    assertSame(
      ['turn', 'turn', 'turn'],
      requests.map(({ kind }) => kind),
      'the requests',
    )
    if (JSON.stringify(requests[2]).includes('first-42')) throw new Error(`the model was sent ${shown(requests[2], 900)}`)
    return { path: await client.rollout(sessionId), before: requests[1]?.messages ?? [] }
  })
  const id = await scenario.check('scan finds it, automatic and without a summary', async () => {
    const found = await scannedOnce(palimpsest, path)
    const checkpoint = await shownCheckpoint(palimpsest, found)
    assertSame(['auto-threshold', undefined], [at(checkpoint, 'reason'), at(checkpoint, 'summary')], 'reason and summary')
    return found
  })
  await scenario.check('the bytes given back are those before the boundary', async () => {
    const [boundary] = await boundariesOf(path)
    assertSameBytes((await readFile(path)).subarray(0, boundary), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.check('a branch resumes with exactly what the model was sent before, its call, and the new prompt', async () => {
    const { requests } = await client.prompt(nextPrompt, 'resume', (await branched(palimpsest, id)).sessionId)
    const items = requests[0]?.messages ?? []
    const where = whereDifferent(before, items)
    if (where !== undefined) throw new Error(where)
    const [call, output, ...after] = items.slice(before.length)
    assertSame(
      ['new_context', 'function_call_output'],
      [at(call, 'name'), at(output, 'type')],
      `what follows (${shown(items.slice(before.length), 900)})`,
    )
    assertOnlyPrompt(after, nextPrompt)
  })
}

/** A session that was taken back a turn by the client itself, and compacted after that: its rollout goes on from another. */
export async function reverted(scenario: Scenario, program: string): Promise<void> {
  const client = await codexIn(scenario, program)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  const { sessionId, path, segment } = await scenario.check('the client takes the last turn of a session back', async () => {
    const held = await client.prompt(firstPrompt)
    await client.prompt('aside\nRUN: echo aside-$((6*9))\nSAY: ASIDE', 'resume', held.sessionId)
    const rollout = await client.rollout(held.sessionId)
    const turns = jsonLines(await readFile(rollout)).filter((line) => at(line, 'payload', 'type') === 'task_started')
    await client.serve(async (call) => {
      await call('thread/resume', { threadId: held.sessionId })
      await call('thread/revert', { threadId: held.sessionId, beforeTurnId: textAt(turns[1], 'payload', 'turn_id') })
    })
    const [made, ...more] = await segmentsOf(client, held.sessionId)
    if (made === undefined || more.length > 0) throw new Error('expected one rollout more')
    return { sessionId: held.sessionId, path: rollout, segment: made }
  })
  const before = await scenario.check('the session goes on without that turn, and compacts', async () => {
    const items = summaryRequest((await client.prompt(fullPrompt, 'resume', sessionId)).requests)
    const said = JSON.stringify(items)
    assertSame([true, false], [said.includes('first-42'), said.includes('aside-54')], 'whether the first turn and the other are in it')
    return items
  })
  const id = await scenario.check('scan finds the compaction, as one of the same session', async () => {
    const found = await scannedOnce(palimpsest, segment)
    assertSame(sessionId, at(await shownCheckpoint(palimpsest, found), 'sessionId'), 'sessionId')
    return found
  })
  await scenario.check('the bytes given back are those of both rollouts, one after the other', async () => {
    const own = await readFile(segment)
    const length = Number(at(jsonLines(own)[0], 'payload', 'history_base', 'end_byte_offset'))
    const [boundary] = await boundariesOf(segment)
    const expected = Buffer.concat([(await readFile(path)).subarray(0, length), own.subarray(0, boundary)])
    assertSameBytes(expected, await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.check('a restore in place is refused, since one file would not be enough', async () => {
    assertSame('TARGET_REFUSED', (await palimpsest.refusal('restore', id, '--in-place', '--force')).code, 'the refusal')
  })
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () =>
    assertContinues(before, (await client.prompt(nextPrompt, 'resume', (await branched(palimpsest, id)).sessionId)).requests),
  )
}
