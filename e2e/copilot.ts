import { randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type CopilotClient, copilotIn, installCopilot } from './copilot-client.ts'
import { assertAnsweredAndPrompted, branched, compacted, firstPrompt, linesOf, long, nextPrompt, resumed } from './copilot-steps.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestIn, scanned, scannedOnce, shownCheckpoint } from './palimpsest.ts'
import { firstTurn, lastTextOf, lastTurn } from './resumed-messages.ts'
import { missingTool } from './stand-ins.ts'
import type { Scenario, Suite } from './suite.ts'

/** Copilot CLI against its stand-in: what the model is sent after a branch or a restore is what it was sent before the compaction. */
export const copilot: Suite = {
  name: 'copilot',
  run: async (course) => {
    const missing = await missingTool('mock-models.mjs')
    const client = missing === undefined ? await installCopilot() : { missing }
    if ('missing' in client) {
      course.skip('all scenarios', client.missing)
      return
    }
    await course.scenario('two compactions by hand, captured at the hook', (scenario) => compactedByHand(scenario, client.program))
    await course.scenario('an automatic compaction beside an answer', (scenario) => compactedBesides(scenario, client.program))
    await course.scenario('a restore in place and its undo', (scenario) => restoredInPlace(scenario, client.program))
  },
}

async function compactedByHand(scenario: Scenario, program: string): Promise<void> {
  const client = await copilotIn(scenario, program)
  const sessionId = randomUUID()
  const resume = [`--resume=${sessionId}`]
  const { first, second } = await scenario.check('the client holds a session with a tool, and compacts it twice', async () => {
    await client.prompt(firstPrompt, ['--session-id', sessionId])
    const before = lastTurn(await client.prompt('two, hello', resume))
    await compacted(client, resume)
    const again = lastTurn(await client.prompt('three, hello', resume))
    await compacted(client, resume)
    return { first: before, second: again }
  })
  const path = client.events(sessionId)
  const events = await readFile(path)
  const boundaries = linesOf(events, 'complete')
  const palimpsest = await palimpsestOf(scenario, client)
  const ids = await scenario.check('scan finds both compactions, oldest first', async () => {
    const found = await scanned(palimpsest, path)
    assertSame(2, found.length, 'the number of checkpoints')
    return found
  })
  await scenario.also('they are those that the hook captured, which scan completed', async () =>
    assertSame(
      ids,
      jsonLines(await readFile(client.hookLog)).map((row) => at(row, 'answer', 'checkpoint', 'id')),
      'the ids of the captures',
    ),
  )
  await scenario.also('a checkpoint says why, how many tokens, and what the summary is', async () => {
    const checkpoint = await shownCheckpoint(palimpsest, ids[0] ?? '')
    assertSame('manual', at(checkpoint, 'reason'), 'reason')
    assertSame('complete', at(checkpoint, 'status'), 'status')
    if (!textAt(checkpoint, 'summary').startsWith('Mock reply')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
    if (typeof at(checkpoint, 'tokensBefore') !== 'number') throw new Error('it has no tokens before')
  })
  for (const [index, before] of [first, second].entries()) {
    const nth = `compaction ${index + 1}`
    await scenario.also(`${nth}: the bytes are those before it was applied`, async () =>
      assertSameBytes(events.subarray(0, boundaries[index]), await palimpsest.bytes('read', ids[index] ?? '', '--raw'), 'read --raw'),
    )
    await scenario.also(`${nth}: a branch resumes with exactly what the model was sent before it`, async () => {
      const branch = await branched(palimpsest, ids[index] ?? '')
      assertSame(0o600, (await stat(branch.path)).mode & 0o777, 'the mode of the branch')
      const workspace = await readFile(join(dirname(branch.path), 'workspace.yaml'), 'utf8')
      if (!workspace.includes(`id: ${branch.sessionId}`)) throw new Error(`its workspace.yaml says ${shown(workspace)}`)
      assertAnsweredAndPrompted(await resumed(client, branch.resume, before))
    })
  }
  await scenario.check('neither scan nor branch touches the events', async () =>
    assertSameBytes(events, await readFile(path), 'the events'),
  )
  await scenario.also('the comparison can fail: without a branch the model is sent the summary instead', async () => {
    const after = await resumed(client, resume, first).catch(() => undefined)
    if (after !== undefined) throw new Error('the compacted session sends what it sent before')
  })
}

async function compactedBesides(scenario: Scenario, program: string): Promise<void> {
  const client = await copilotIn(scenario, program)
  const sessionId = randomUUID()
  const resume = [`--resume=${sessionId}`]
  const before = await scenario.check('the client compacts by itself when the context is full, beside the answer', async () => {
    await client.prompt(long('one'), ['--session-id', sessionId])
    const second = lastTurn(await client.prompt(long('two'), resume))
    await client.prompt(`${long('three')} CALL:bash {"command":"sleep 5","description":"wait"}`, resume)
    return second
  })
  const path = client.events(sessionId)
  const palimpsest = await palimpsestOf(scenario, client)
  const id = await scenario.check('scan finds the one compaction, and that it was automatic', async () => {
    const found = await scannedOnce(palimpsest, path)
    assertSame('auto-threshold', at(await shownCheckpoint(palimpsest, found), 'reason'), 'reason')
    return found
  })
  await scenario.also('what was said beside it is in the context after it', async () => {
    const request = firstTurn(await client.prompt(nextPrompt, resume))
    const texts = request.messages.map((message) => `${String(at(message, 'role'))}: ${lastTextOf(message).slice(0, 20)}`)
    const shownAfter = listAt(await palimpsest.json('read', id, '--view', 'after'), 'entries')
    assertSame('summary', at(shownAfter[0], 'kind'), 'the first entry after it')
    if (!texts.some((text) => text.startsWith('assistant: Mock reply'))) throw new Error(`the model was sent ${shown(texts)}`)
  })
  await scenario.check('a branch without the unanswered prompt resumes with exactly what the model was sent before it', async () => {
    const branch = await branched(palimpsest, id, '--drop-unanswered')
    assertAnsweredAndPrompted(await resumed(client, branch.resume, before))
  })
}

async function restoredInPlace(scenario: Scenario, program: string): Promise<void> {
  const client = await copilotIn(scenario, program)
  const sessionId = randomUUID()
  const resume = [`--resume=${sessionId}`]
  const before = await scenario.check('the client holds a session, compacts it and goes on', async () => {
    await client.prompt(firstPrompt, ['--session-id', sessionId])
    const second = lastTurn(await client.prompt('two, hello', resume))
    await compacted(client, resume)
    await client.prompt('three, hello', resume)
    return second
  })
  const path = client.events(sessionId)
  const events = await readFile(path)
  const palimpsest = await palimpsestOf(scenario, client)
  const id = await scenario.check('scan finds the one compaction', () => scannedOnce(palimpsest, path))
  const undo = await scenario.check('a restore puts the bytes from before it began back and names its undo', async () => {
    const restored = await palimpsest.json('restore', id, '--in-place', '--force')
    assertSameBytes(events.subarray(0, linesOf(events, 'start')[0]), await readFile(path), 'the restored file')
    return textAt(restored, 'undo')
  })
  await scenario.check('the same session resumes with exactly what the model was sent before the compaction', async () =>
    assertAnsweredAndPrompted(await resumed(client, resume, before)),
  )
  await scenario.check('restoring the undo gives the file back byte for byte', async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
    assertSameBytes(events, await readFile(path), 'the file')
  })
}

function palimpsestOf(scenario: Scenario, client: CopilotClient): Promise<Palimpsest> {
  return palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
}
