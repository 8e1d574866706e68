import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { assertSame, assertSameBytes } from './difference.ts'
import { type GeminiClient, geminiIn, installGemini } from './gemini-client.ts'
import { assertCalledAndPrompted, boundaryOf, heldAndCompacted, resumed } from './gemini-steps.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestIn, scannedOnce, shownCheckpoint } from './palimpsest.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Scenario, Suite } from './suite.ts'

/** Gemini CLI against its stand-in: what the model is sent after a branch or a restore is what it was sent before the compaction. */
export const gemini: Suite = {
  name: 'gemini',
  run: async (course) => {
    const missing = await missingTool('mock-models.mjs')
    const client = missing === undefined ? await installGemini() : { missing }
    if ('missing' in client) {
      course.skip('all scenarios', client.missing)
      return
    }
    await course.scenario('an automatic compaction, captured at the hook', (scenario) => compactedAutomatically(scenario, client.program))
    course.skip('a compaction by hand', '/compress is a command of the terminal interface alone')
  },
}

async function compactedAutomatically(scenario: Scenario, program: string): Promise<void> {
  const client = await geminiIn(scenario, program)
  const { path, before } = await scenario.check('the client holds a session with tools, and compacts it when the context is full', () =>
    heldAndCompacted(client),
  )
  const log = await readFile(path)
  const boundary = boundaryOf(log)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
  const id = await scenario.check('scan finds the one compaction', () => scannedOnce(palimpsest, path))
  await scenario.also('it is one that the hook captured, which fired on every turn, and no other capture is completed', async () => {
    const captured = jsonLines(await readFile(client.hookLog)).map((row) => textAt(row, 'answer', 'checkpoint', 'id'))
    if (captured.length < 3) throw new Error(`the hook fired ${captured.length} times`)
    const listed = listAt(await palimpsest.json('list', '--agent', 'gemini'), 'checkpoints').filter(
      (checkpoint) => at(checkpoint, 'status') === 'complete',
    )
    assertSame(
      [id],
      listed.map((checkpoint) => at(checkpoint, 'id')),
      'the completed checkpoints',
    )
    if (!captured.includes(id)) throw new Error(`${id} is none of the captures ${captured.join(', ')}`)
  })
  await scenario.also('the checkpoint says why, how many tokens, and what the summary is', async () => {
    const checkpoint = await shownCheckpoint(palimpsest, id)
    assertSame('auto-threshold', at(checkpoint, 'reason'), 'reason')
    assertSame(700_020, at(checkpoint, 'tokensBefore'), 'tokensBefore')
    if (!textAt(checkpoint, 'summary').includes('Mock summary')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
  })
  await scenario.check('the bytes given back are those before the boundary', async () =>
    assertSameBytes(log.subarray(0, boundary), await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const branch = await palimpsest.json('branch', id)
    assertSame(dirname(path), dirname(textAt(branch, 'path')), 'the folder of the branch')
    const words = listAt(branch, 'resumeArgv').map((_, index) => textAt(branch, 'resumeArgv', index))
    assertCalledAndPrompted(await resumed(client, words.slice(1), before))
  })
  await scenario.check('neither scan nor branch touches the log', async () => assertSameBytes(log, await readFile(path), 'the log'))
  await scenario.also('the comparison can fail: without a branch the model is sent the summary instead', async () => {
    const sessionId = textAt(jsonLines(log)[0], 'sessionId')
    const after = await resumed(client, ['--resume', sessionId], before).catch(() => undefined)
    if (after !== undefined) throw new Error('the compacted session sends what it sent before')
  })
  await restored(scenario, client, palimpsest, { id, path, boundary, before })
}

async function restored(
  scenario: Scenario,
  client: GeminiClient,
  palimpsest: Palimpsest,
  { id, path, boundary, before }: { readonly id: string; readonly path: string; readonly boundary: number; readonly before: ModelRequest },
): Promise<void> {
  const log = await readFile(path)
  const undo = await scenario.check('a restore puts the bytes before the boundary back and names its undo', async () => {
    const answer = await palimpsest.json('restore', id, '--in-place', '--force')
    const found = await readFile(path)
    // The client notes behind the last message that it was touched; the session ends with that message.
    assertSameBytes(log.subarray(0, found.length), found, 'the restored file')
    if (found.length > boundary) throw new Error('it goes beyond the boundary')
    return textAt(answer, 'undo')
  })
  await scenario.check('the same session resumes with exactly what the model was sent before the compaction', async () => {
    const sessionId = textAt(jsonLines(log)[0], 'sessionId')
    assertCalledAndPrompted(await resumed(client, ['--resume', sessionId], before))
  })
  await scenario.check('restoring the undo gives the file back byte for byte', async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
    assertSameBytes(log, await readFile(path), 'the file')
  })
}
