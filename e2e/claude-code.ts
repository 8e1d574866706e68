import { randomUUID } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { dirname, extname, join } from 'node:path'
import { boundariesOf, claudeIn, installClaudeCode } from './claude-client.ts'
import {
  assertForgotten,
  branched,
  capturingSettings,
  filesBelow,
  firstPrompt,
  heldAndCompacted,
  heldAndOverfilled,
  listedIds,
  nextPrompt,
  noAutoCompact,
  palimpsestOf,
  resumed,
  scannedTwo,
  secondPrompt,
  sidecarPrompt,
  turnsBeforeSummaries,
  unansweredPrompt,
} from './claude-steps.ts'
import { assertSame, assertSameBytes, difference } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { scanned, scannedOnce, shownCheckpoint } from './palimpsest.ts'
import { assertOnlyPrompt, assertUserText, lastTextOf, lastTurn } from './resumed-messages.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Scenario, Suite } from './suite.ts'

// What a line of a copied session says of where it belongs.
const lineage: ReadonlySet<string> = new Set(['sessionId', 'forkedFrom'])

/** Claude Code against its stand-in: what the model is sent after a branch or a restore is what it was sent before the compaction. */
export const claudeCode: Suite = {
  name: 'claude-code',
  run: async (course) => {
    const missing = await missingTool('mock-anthropic-messages.mjs')
    const client = missing === undefined ? await installClaudeCode() : { missing }
    if ('missing' in client) {
      course.skip('all scenarios', client.missing)
      return
    }
    await course.scenario('a session compacted by hand', (scenario) => compactedByHand(scenario, client.program))
    await course.scenario('a session compacted automatically', (scenario) => compactedAutomatically(scenario, client.program))
    await course.scenario('a capture at the hook', (scenario) => capturedAtTheHook(scenario, client.program, 'manual'))
    await course.scenario('a capture at the hook of an automatic compaction', (scenario) =>
      capturedAtTheHook(scenario, client.program, 'auto-threshold'),
    )
    await course.scenario('a restore in place and its undo', (scenario) => restoredInPlace(scenario, client.program))
    await course.scenario('a session with a sub-agent and a large tool result', (scenario) => withSidecars(scenario, client.program))
    await course.scenario('two compactions, a process each', (scenario) => compactedTwice(scenario, client.program, 'a process each'))
    await course.scenario('two compactions in one process', (scenario) => compactedTwice(scenario, client.program, 'one process'))
  },
}

async function compactedByHand(scenario: Scenario, program: string): Promise<void> {
  const client = await claudeIn(scenario, program)
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client holds a session with tools and compacts it', () =>
    heldAndCompacted(client, sessionId),
  )
  const transcript = await readFile(path)
  const [boundary] = await boundariesOf(path)
  const palimpsest = await palimpsestOf(scenario, client)

  const id = await scenario.check('scan finds the one compaction', () => scannedOnce(palimpsest, path))
  await scenario.also('the checkpoint says why, how many tokens, and what the summary is', async () => {
    const checkpoint = await shownCheckpoint(palimpsest, id)
    assertSame('manual', at(checkpoint, 'reason'), 'reason')
    assertSame('complete', at(checkpoint, 'status'), 'status')
    assertSame(sessionId, at(checkpoint, 'sessionId'), 'sessionId')
    assertSame(at(boundary?.value, 'compactMetadata', 'preTokens'), at(checkpoint, 'tokensBefore'), 'tokensBefore')
    if (!textAt(checkpoint, 'summary').includes('MOCK-SUMMARY')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
  })
  await scenario.check('the bytes given back are those before the boundary', async () =>
    assertSameBytes(transcript.subarray(0, boundary?.start), await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const branch = await branched(palimpsest, id)
    if (branch.sessionId === sessionId) throw new Error('the branch has the id of its source')
    assertSame(dirname(path), dirname(branch.path), 'the folder of the branch')
    assertSame(0o600, (await stat(branch.path)).mode & 0o777, 'the mode of the branch')
    assertOnlyPrompt(await resumed(client, branch.resume, before), nextPrompt)
  })
  await scenario.check('neither scan nor branch touches the transcript', async () =>
    assertSameBytes(transcript, await readFile(path), 'the transcript'),
  )
  await scenario.check('the comparison can fail: without a branch the model is sent the summary instead', () =>
    assertForgotten(client, ['--resume', sessionId], before),
  )
}

async function compactedAutomatically(scenario: Scenario, program: string): Promise<void> {
  const client = await claudeIn(scenario, program)
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client compacts by itself when the context is full', () =>
    heldAndOverfilled(client, sessionId),
  )
  const transcript = await readFile(path)
  const [boundary] = await boundariesOf(path)
  const palimpsest = await palimpsestOf(scenario, client)
  const id = await scenario.check('scan finds the one compaction, and that it was automatic', async () => {
    const found = await scannedOnce(palimpsest, path)
    assertSame('auto-threshold', at(await shownCheckpoint(palimpsest, found), 'reason'), 'reason')
    return found
  })
  await scenario.check('the bytes given back are those before the boundary', async () =>
    assertSameBytes(transcript.subarray(0, boundary?.start), await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.check('a branch resumes with what the model was sent before, and the prompt that was never answered', async () => {
    const after = await resumed(client, (await branched(palimpsest, id)).resume, before, noAutoCompact)
    const [unanswered, filler, next] = after
    if (after.length !== 3)
      throw new Error(`expected the unanswered prompt, the client's filler and the new prompt, found ${shown(after, 900)}`)
    assertUserText(unanswered, unansweredPrompt)
    assertSame('assistant', at(filler, 'role'), 'the role of the filler')
    assertSame('No response requested.', lastTextOf(filler), 'the filler')
    assertUserText(next, nextPrompt)
  })
  await scenario.check('a branch with --drop-unanswered resumes without that prompt', async () =>
    assertOnlyPrompt(
      await resumed(client, (await branched(palimpsest, id, '--drop-unanswered')).resume, before, noAutoCompact),
      nextPrompt,
    ),
  )
  await scenario.also('the branch warns that the client would compact it again, and names the setting that prevents it', async () => {
    const warnings = shown(listAt(await palimpsest.json('branch', id), 'warnings'), 2000)
    if (!warnings.includes('DISABLE_AUTO_COMPACT')) throw new Error(`the warnings are ${warnings}`)
  })
  await scenario.also('that warning is true', async () => {
    const requests = await client.prompt(nextPrompt, (await branched(palimpsest, id)).resume)
    assertSame('compact', requests[0]?.kind, 'the first request of a resume that is allowed to compact')
  })
}

async function capturedAtTheHook(scenario: Scenario, program: string, reason: 'manual' | 'auto-threshold'): Promise<void> {
  const log = join(scenario.folder, 'hook.jsonl')
  const client = await claudeIn(scenario, program, capturingSettings(scenario, log))
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client holds a session with tools and compacts it', () =>
    reason === 'manual' ? heldAndCompacted(client, sessionId) : heldAndOverfilled(client, sessionId),
  )
  const [boundary] = await boundariesOf(path)
  const palimpsest = await palimpsestOf(scenario, client)
  const captured = await scenario.check('the hook ran once, before the compaction, and captured', async () => {
    const runs = jsonLines(await readFile(log))
    if (runs.length !== 1) throw new Error(`the hook ran ${runs.length} times`)
    assertSame(0, at(runs[0], 'status'), `the hook's capture (${shown(runs[0], 900)})`)
    assertSame('captured', at(runs[0], 'answer', 'outcome'), 'outcome')
    assertSame('pending', at(runs[0], 'answer', 'checkpoint', 'status'), 'status')
    assertSame(false, at(runs[0], 'hasBoundary'), 'whether the boundary was in the transcript')
    return textAt(runs[0], 'answer', 'checkpoint', 'id')
  })
  await scenario.check('a scan completes that checkpoint and makes no second one', async () => {
    assertSame([captured], await scanned(palimpsest, path), 'the checkpoints of the scan')
    assertSame([captured], await listedIds(palimpsest, '--session-key', sessionId), 'the checkpoints of the session')
    const checkpoint = await shownCheckpoint(palimpsest, captured)
    assertSame('complete', at(checkpoint, 'status'), 'status')
    assertSame('capture', at(checkpoint, 'origin'), 'origin')
    assertSame(reason, at(checkpoint, 'reason'), 'reason')
    if (!textAt(checkpoint, 'summary').includes('MOCK-SUMMARY')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
  })
  await scenario.check('scanning again changes nothing', async () =>
    assertSame([captured], await scanned(palimpsest, path), 'the checkpoints'),
  )
  await scenario.check('its bytes reach up to the boundary', async () =>
    assertSameBytes((await readFile(path)).subarray(0, boundary?.start), await palimpsest.bytes('read', captured, '--raw'), 'read --raw'),
  )
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const { resume } = await branched(palimpsest, captured, '--drop-unanswered')
    assertOnlyPrompt(await resumed(client, resume, before, noAutoCompact), nextPrompt)
  })
}

async function restoredInPlace(scenario: Scenario, program: string): Promise<void> {
  const client = await claudeIn(scenario, program)
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client holds a session with tools and compacts it', () =>
    heldAndCompacted(client, sessionId),
  )
  await scenario.check('it goes on, and compacts it once more', async () => {
    await client.prompt('three [[say THREE]]', ['--resume', sessionId])
    await client.prompt('/compact', ['--resume', sessionId])
  })
  const compacted = await scenario.check('and goes on again', async () =>
    lastTurn(await client.prompt('four [[say FOUR]]', ['--resume', sessionId])),
  )
  const transcript = await readFile(path)
  const [boundary] = await boundariesOf(path)
  const palimpsest = await palimpsestOf(scenario, client)
  const ids = await scenario.check('scan finds both compactions', () => scannedTwo(palimpsest, path))
  await scenario.also('a session that was written a moment ago is not replaced', async () => {
    assertSame({ code: 'CHECKPOINT_CONFLICT', status: 6 }, await palimpsest.refusal('restore', ids[0], '--in-place'), 'the refusal')
    assertSameBytes(transcript, await readFile(path), 'the transcript')
  })
  const undo = await scenario.check('a restore of the first puts the bytes before its boundary back and names its undo', async () => {
    const restored = await palimpsest.json('restore', ids[0], '--in-place', '--force')
    assertSame(path, at(restored, 'path'), 'path')
    assertSame(sessionId, at(restored, 'sessionId'), 'sessionId')
    assertSameBytes(transcript.subarray(0, boundary?.start), await readFile(path), 'the restored file')
    return textAt(restored, 'undo')
  })
  await scenario.check('the same session resumes with exactly what the model was sent before the compaction', async () =>
    assertOnlyPrompt(await resumed(client, ['--resume', sessionId], before), nextPrompt),
  )
  await scenario.also('a scan of the restored session takes nothing away and adds nothing', async () => {
    await palimpsest.json('scan', path)
    assertSame(
      [...ids, undo].sort(),
      [...(await listedIds(palimpsest, '--session-key', sessionId))].sort(),
      'the checkpoints of the session',
    )
  })
  await scenario.check('restoring the undo gives the file back byte for byte', async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
    assertSameBytes(transcript, await readFile(path), 'the file')
  })
  await scenario.check('the session then resumes with its compacted context again', async () =>
    assertOnlyPrompt(await resumed(client, ['--resume', sessionId], compacted), nextPrompt),
  )
  await scenario.also('and a scan finds the same two compactions', async () =>
    assertSame(ids, await scanned(palimpsest, path), 'the checkpoints'),
  )
}

async function withSidecars(scenario: Scenario, program: string): Promise<void> {
  const client = await claudeIn(scenario, program)
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client writes files beside the session, and compacts it', async () => {
    const requests = await client.prompt(sidecarPrompt, ['--session-id', sessionId])
    const held = await client.transcript(sessionId)
    await client.prompt('/compact', ['--resume', sessionId])
    return { path: held, before: lastTurn(requests) }
  })
  const sidecars = await filesBelow(join(dirname(path), sessionId))
  await scenario.check('there are a sub-agent, its description and a tool result', () =>
    assertSame(['.json', '.jsonl', '.txt'], [...sidecars.keys()].map(extname).sort(), 'the kinds of files'),
  )
  const palimpsest = await palimpsestOf(scenario, client)
  const id = await scenario.check('scan finds the one compaction', () => scannedOnce(palimpsest, path))
  await scenario.also('the checkpoint has each of these files byte for byte', async () => {
    const parts = listAt(await shownCheckpoint(palimpsest, id), 'parts').map((part) => textAt(part, 'name'))
    assertSame(['main', ...sidecars.keys()].sort(), [...parts].sort(), 'the parts')
    for (const [name, bytes] of sidecars) assertSameBytes(bytes, await palimpsest.bytes('read', id, '--raw', '--part', name), name)
  })
  const branch = await scenario.check('a branch has them in a folder of its own', async () => {
    const made = await branched(palimpsest, id)
    const copies = await filesBelow(join(dirname(made.path), made.sessionId))
    assertSame([...sidecars.keys()], [...copies.keys()], 'the names')
    for (const [name, bytes] of copies) {
      const original = sidecars.get(name) ?? Buffer.alloc(0)
      if (extname(name) !== '.jsonl') assertSameBytes(original, bytes, name)
      else assertSame(undefined, difference(jsonLines(original), jsonLines(bytes), lineage), name)
    }
    return made
  })
  await scenario.check('the branch resumes with exactly what the model was sent before the compaction', async () =>
    assertOnlyPrompt(await resumed(client, branch.resume, before), nextPrompt),
  )
}

async function compactedTwice(scenario: Scenario, program: string, how: 'a process each' | 'one process'): Promise<void> {
  const log = join(scenario.folder, 'hook.jsonl')
  const client = await claudeIn(scenario, program, how === 'one process' ? capturingSettings(scenario, log) : {})
  const sessionId = randomUUID()
  const { path, turns } = await scenario.check('the client compacts a session twice', async () => {
    const prompts = [firstPrompt, '/compact', secondPrompt, '/compact', 'three [[say THREE]]']
    const words = (index: number): readonly string[] => [index === 0 ? '--session-id' : '--resume', sessionId]
    const requests: ModelRequest[] = []
    if (how === 'one process') requests.push(...(await client.prompts(prompts, words(0))))
    else for (const [index, prompt] of prompts.entries()) requests.push(...(await client.prompt(prompt, words(index))))
    return { path: await client.transcript(sessionId), turns: turnsBeforeSummaries(requests) }
  })
  const transcript = await readFile(path)
  const boundaries = await boundariesOf(path)
  const palimpsest = await palimpsestOf(scenario, client)
  const ids = await scenario.check('scan finds both compactions, oldest first', () => scannedTwo(palimpsest, path))
  if (how === 'one process') {
    await scenario.also('they are those that the hook captured', async () =>
      assertSame(
        jsonLines(await readFile(log)).map((hook) => at(hook, 'answer', 'checkpoint', 'id')),
        ids,
        'the checkpoints',
      ),
    )
  }
  for (const [index, id] of ids.entries()) {
    const nth = `compaction ${index + 1}`
    const before = turns[index]
    if (before === undefined) throw new Error(`the model was not asked for a summary at ${nth}`)
    await scenario.also(`${nth}: the bytes are those before its boundary`, async () =>
      assertSameBytes(transcript.subarray(0, boundaries[index]?.start), await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
    )
    await scenario.also(`${nth}: a branch resumes with exactly what the model was sent before it`, async () =>
      assertOnlyPrompt(await resumed(client, (await branched(palimpsest, id)).resume, before), nextPrompt),
    )
  }
  await scenario.also('scanning the branches with it finds no compaction a second time', async () => {
    assertSame(3, listAt(await palimpsest.json('scan', dirname(path)), 'sessions').length, 'the sessions of the scan')
    assertSame([...ids].sort(), [...(await listedIds(palimpsest))].sort(), 'the checkpoints of the store')
  })
}
