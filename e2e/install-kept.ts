import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from './clients.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, listAt, shown, textAt } from './json-value.ts'
import type { Palimpsest } from './palimpsest.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

/** A compaction of a session whose agent has our hooks. */
export interface InstalledSession {
  readonly agent: string
  readonly home: string
  /** The transcript, as `scan` takes it. */
  readonly path: string
}

/** Runs scenarios with a client, or says why they can't be run. */
export async function withClient<Client extends object>(
  course: Course,
  name: string,
  tool: string,
  install: () => Promise<Client | { readonly missing: string }>,
  scenarios: Readonly<Record<string, (scenario: Scenario, client: Client) => Promise<void>>>,
): Promise<void> {
  const missing = await missingTool(tool)
  const client = missing === undefined ? await install() : { missing }
  if ('missing' in client) {
    course.skip(name, client.missing)
    return
  }
  for (const [what, run] of Object.entries(scenarios)) await course.scenario(`${name}, ${what}`, (each) => run(each, client))
}

/** Checks that the hooks of a home have logged nothing. */
async function assertNothingLogged(home: string): Promise<void> {
  const log = join(home, '.local/state/palimpsest/hook.log')
  if (await exists(log)) throw new Error(await readFile(log, 'utf8'))
}

/** The completed checkpoints of compactions, oldest first. */
export async function ofCompactions(palimpsest: Palimpsest, agent: string): Promise<readonly unknown[]> {
  return listAt(await palimpsest.json('list', '--agent', agent), 'checkpoints')
    .filter((checkpoint) => at(checkpoint, 'status') === 'complete' && at(checkpoint, 'reason') !== 'session-end')
    .toReversed()
}

/** The checkpoints of so many compactions that are there without a scan, captured by hooks, complete, and that a scan leaves alone; oldest first. */
export async function kept(
  scenario: Scenario,
  palimpsest: Palimpsest,
  { agent, home, path }: InstalledSession,
  reasons: readonly string[],
): Promise<readonly string[]> {
  await scenario.also('no hook has logged a problem', () => assertNothingLogged(home))
  const ids = await scenario.check('a checkpoint of each compaction is there without a scan, captured by the hook, complete', async () => {
    // What an agent runs beside its answer may still be under way.
    let found = await ofCompactions(palimpsest, agent)
    for (let tries = 0; found.length < reasons.length && tries < 20; tries++) {
      await new Promise((resolve) => setTimeout(resolve, 250))
      found = await ofCompactions(palimpsest, agent)
    }
    if (found.length !== reasons.length)
      throw new Error(`expected ${reasons.length}, found ${shown(await palimpsest.json('list', '--agent', agent), 1500)}`)
    for (const [index, checkpoint] of found.entries())
      assertSame(['capture', reasons[index]], [at(checkpoint, 'origin'), at(checkpoint, 'reason')], 'origin and reason')
    return found.map((checkpoint) => textAt(checkpoint, 'id'))
  })
  await scenario.check('a scan finds the same, and adds nothing', async () => {
    const found = await palimpsest.json('scan', path)
    assertSame(ids, listAt(listAt(found, 'sessions')[0], 'checkpoints'), 'the checkpoints of the scan')
    const after = await ofCompactions(palimpsest, agent)
    assertSame(
      ids,
      after.map((checkpoint) => at(checkpoint, 'id')),
      'the checkpoints',
    )
  })
  return ids
}

/** The one checkpoint of a compaction, as `kept` finds it. */
export async function keptOnce(scenario: Scenario, palimpsest: Palimpsest, session: InstalledSession, reason: string): Promise<string> {
  const [id] = await kept(scenario, palimpsest, session, [reason])
  return id ?? ''
}

/** Restores a checkpoint in place, lets `resumes` check what the model is sent then, and takes it back. */
export async function restoredAndUndone(
  scenario: Scenario,
  palimpsest: Palimpsest,
  { path, id, which = 'the compaction' }: { readonly path: string; readonly id: string; readonly which?: string },
  resumes: () => Promise<void>,
): Promise<void> {
  const transcript = await readFile(path)
  const undo = await scenario.check(`${which}: a restore in place replaces the file and names its undo`, async () => {
    const restored = await palimpsest.json('restore', id, '--in-place', '--force')
    assertSame(path, at(restored, 'path'), 'path')
    if (transcript.equals(await readFile(path))) throw new Error('the file is what it was')
    return textAt(restored, 'undo')
  })
  await scenario.check(`${which}: the same session then resumes with exactly what the model was sent before it`, resumes)
  await scenario.check(`${which}: restoring the undo gives the file back byte for byte`, async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
    assertSameBytes(transcript, await readFile(path), 'the file')
  })
}

/** Checks that the model was told of a checkpoint. */
export function assertTold(requests: readonly ModelRequest[], id: string): void {
  if (!JSON.stringify(requests).includes(`checkpoint ${id}`)) throw new Error('no request names the checkpoint')
}
