import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { namesIn } from './clients.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestCommand, palimpsestIn, scanned, scannedOnce, shownCheckpoint, storeUrlOf } from './palimpsest.ts'
import { type PiProgram, piProgramIn } from './pi-client.ts'
import { assertContinues, lastTurn } from './resumed-messages.ts'
import { missingTool } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

/** Prompts of a short session, and settings with which it has something to compact. */
export const firstPrompt = 'one CALL:bash {"command":"echo_hi"} '
export const secondPrompt = 'two, a prompt of some length, so that a compaction finds something that it need not keep'
export const nextPrompt = 'next'

// Small enough that a short session has something to summarise.
export const compacting = { compaction: { keepRecentTokens: 40 } }
export const notCompacting = { compaction: { enabled: false } }

/** Whole sessions of the real program: what its model is sent after a branch is what it was sent before the compaction. */
export async function piTurns(course: Course, client: string): Promise<void> {
  const missing = await missingTool('mock-models.mjs')
  if (missing !== undefined) {
    course.skip('whole sessions', missing)
    return
  }
  await course.scenario('a whole session compacted by hand, captured by an extension', (scenario) => compactedByHand(scenario, client))
  await course.scenario('a whole session compacted automatically', (scenario) => compactedAutomatically(scenario, client))
}

async function compactedByHand(scenario: Scenario, client: string): Promise<void> {
  const pi = await piProgramIn(scenario, client)
  await pi.configure(compacting)
  const store = join(scenario.folder, 'store')
  const log = join(scenario.folder, 'extension.jsonl')
  const { path, before } = await scenario.check('the client holds a session with a tool and compacts it', async () => {
    await pi.prompt(firstPrompt, [])
    const held = await sessionFile(pi)
    const second = await pi.prompt(secondPrompt, ['--session', held])
    const uncompacted = await readFile(held)
    const extension = ['-e', fileURLToPath(new URL('./pi-before-compact-extension.ts', import.meta.url))]
    const env = { E2E_COMMAND: palimpsestCommand, E2E_LOG: log, PALIMPSEST_STORE: storeUrlOf(store) }
    await pi.compact(['--session', held, ...extension], env)
    assertSameBytes(
      uncompacted,
      (await readFile(held)).subarray(0, uncompacted.length),
      'the session before the compaction, in the one after it',
    )
    return { path: held, before: lastTurn(second) }
  })
  const palimpsest = await palimpsestIn(store, pi)
  const id = await scenario.check('the extension captured before the compaction', async () => {
    const runs = jsonLines(await readFile(log))
    assertSame(1, runs.length, 'how often it ran')
    assertSame(0, at(runs[0], 'status'), `the extension's capture (${shown(runs[0], 900)})`)
    assertSame('pending', at(runs[0], 'answer', 'checkpoint', 'status'), 'status')
    assertSame(at(runs[0], 'leafId'), at(runs[0], 'answer', 'checkpoint', 'preCompaction', 'leafId'), 'leafId')
    return textAt(runs[0], 'answer', 'checkpoint', 'id')
  })
  await scenario.check('a scan completes that checkpoint and makes no second one', async () => {
    assertSame([id], await scanned(palimpsest, path), 'the checkpoints')
    const checkpoint = await shownCheckpoint(palimpsest, id)
    assertSame(['complete', 'manual'], [at(checkpoint, 'status'), at(checkpoint, 'reason')], 'status and reason')
    if (!textAt(checkpoint, 'summary').includes('Mock summary')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
  })
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () =>
    assertContinues(before, await pi.prompt(nextPrompt, await resumeWords(palimpsest, id, path)), nextPrompt),
  )
  const undo = await scenario.check('restored in place, the same session sends exactly that too', async () => {
    const restored = await palimpsest.json('restore', id, '--in-place', '--force')
    assertContinues(before, await pi.prompt(nextPrompt, ['--session', path]), nextPrompt)
    return textAt(restored, 'undo')
  })
  await scenario.check('restoring the undo gives the compacted session back', async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
  })
  await scenario.check('the comparison can fail: the compacted session sends the summary instead', async () => {
    const requests = await pi.prompt(nextPrompt, ['--session', path])
    if (!JSON.stringify(requests).includes('Mock summary')) throw new Error('the compacted session sends no summary')
    let same = true
    try {
      assertContinues(before, requests, nextPrompt)
    } catch {
      same = false
    }
    assertSame(false, same, 'whether the comparison finds them equal')
  })
}

async function compactedAutomatically(scenario: Scenario, client: string): Promise<void> {
  const pi = await piProgramIn(scenario, client)
  await pi.configure(compacting)
  const { path, before } = await scenario.check('the client compacts by itself when the context is full', async () => {
    await pi.prompt(firstPrompt, [])
    const held = await sessionFile(pi)
    const requests = await pi.prompt(`${secondPrompt} USAGE:195000`, ['--session', held])
    if (!requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
    return { path: held, before: lastTurn(requests) }
  })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), pi)
  const id = await scenario.check('scan finds the one compaction', () => scannedOnce(palimpsest, path))
  await scenario.check('a branch resumes with exactly what the model was sent before, where compaction is switched off', async () => {
    await pi.configure(notCompacting)
    assertContinues(before, await pi.prompt(nextPrompt, await resumeWords(palimpsest, id, path)), nextPrompt)
  })
  await scenario.also('the branch warns that the client may compact it again, and names the setting that prevents it', async () => {
    const warnings = shown(listAt(await palimpsest.json('branch', id), 'warnings'), 2000)
    if (!/compaction/.test(warnings) || !/enabled/.test(warnings)) throw new Error(`the warnings are ${warnings}`)
  })
  await scenario.also('that warning is true', async () => {
    await pi.configure(compacting)
    const requests = await pi.prompt(nextPrompt, await resumeWords(palimpsest, id, path))
    assertSame('compact', requests[0]?.kind, 'the first request of a resume that is allowed to compact')
  })
}

/** The words with which the client resumes a new branch, as the command gives them. */
export async function resumeWords(palimpsest: Palimpsest, id: string, source: string): Promise<readonly string[]> {
  const branch = await palimpsest.json('branch', id)
  assertSame(dirname(source), dirname(textAt(branch, 'path')), 'the folder of the branch')
  const argv = listAt(branch, 'resumeArgv').map((_, index) => textAt(branch, 'resumeArgv', index))
  if (argv[0] !== 'pi') throw new Error(`resumeArgv is ${shown(argv)}`)
  return argv.slice(1)
}

/** The one session of the program. */
export async function sessionFile(pi: PiProgram): Promise<string> {
  const sessions = join(pi.home, '.pi/agent/sessions')
  const files: string[] = []
  for (const folder of await namesIn(sessions))
    for (const name of await namesIn(join(sessions, folder))) files.push(join(sessions, folder, name))
  const [only] = files
  if (only === undefined || files.length > 1) throw new Error(`expected one session, found ${files.length}`)
  return only
}
