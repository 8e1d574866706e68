import { mkdir, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { exists } from './clients.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestIn, scanned, shownCheckpoint } from './palimpsest.ts'
import { createPiSession, migratedPiState, openPiSession, type PiSession, type PiState } from './pi-client.ts'
import {
  type Build,
  captured,
  embellished,
  heldAndCaptured,
  keepingNothing,
  linear,
  type Moment,
  movedBack,
  turns,
} from './pi-histories.ts'
import { fixturesFolder } from './places.ts'
import type { Course, Scenario } from './suite.ts'

/** Sessions that pi's SessionManager has written, and opens again. */
export async function piSessions(course: Course, client: string): Promise<void> {
  const sessions: readonly (readonly [string, Build])[] = [
    ['a linear session with two compactions', linear],
    ['a session moved back before it is compacted', movedBack],
    ['a session with labels, custom messages and a branch summary', embellished],
    ['a compaction that keeps nothing', keepingNothing],
  ]
  for (const [name, build] of sessions) await course.scenario(name, (scenario) => givenBack(scenario, client, build))
  const fixture = join(fixturesFolder, 'pi/before-compaction.jsonl')
  if (await exists(fixture))
    await course.scenario('a real session in the first format', (scenario) => realSession(scenario, client, fixture))
  else course.skip('a real session in the first format', `no ${fixture}`)
  await course.scenario('a restore in place and its undo', (scenario) => restoredInPlace(scenario, client))
}

async function givenBack(scenario: Scenario, client: string, build: Build): Promise<void> {
  const session = await createPiSession(scenario, client, join(scenario.folder, 'project'))
  const live = await palimpsestOf(scenario, 'store-of-captures')
  const moments = await scenario.check('the client holds the session, and each state before a compaction is captured', () =>
    heldAndCaptured(session, live, build),
  )
  const { file: path } = await session.state()
  const transcript = await readFile(path)
  await scenario.check('completing the first capture says so', async () => {
    const words = ['--tokens-after', '321', '--summary-file', await summaryFile(scenario)]
    const completed = await live.json('complete', moments[0]?.captured ?? '', ...words)
    assertSame('complete', at(completed, 'checkpoint', 'status') ?? at(completed, 'status'), 'status')
  })
  await scenario.check('a scan completes the other captures and makes no second ones', async () => {
    assertSame(
      moments.map((moment) => moment.captured),
      await scanned(live, path),
      'the checkpoints',
    )
    for (const { captured } of moments)
      assertSame('complete', at(await shownCheckpoint(live, captured), 'status'), `the status of ${captured}`)
  })
  await scenario.also('the first completion is what its caller said', async () => {
    const checkpoint = await shownCheckpoint(live, moments[0]?.captured ?? '')
    assertSame(321, at(checkpoint, 'tokensAfter'), 'tokensAfter')
    assertSame('said by the caller', at(checkpoint, 'summary'), 'summary')
  })
  const later = await palimpsestOf(scenario, 'store-of-scans')
  const found = await scenario.check('a scan without any capture finds every compaction, oldest first', async () => {
    const ids = await scanned(later, path)
    assertSame(moments.length, ids.length, 'the number of checkpoints')
    return ids
  })
  for (const [index, moment] of moments.entries()) {
    const nth = `compaction ${index + 1}`
    await assertGivenBack(scenario, client, live, { nth: `${nth}, captured`, id: moment.captured, moment, path })
    await assertGivenBack(scenario, client, later, { nth: `${nth}, scanned`, id: found[index] ?? '', moment, path })
  }
  await scenario.check('the transcript is as the client wrote it', async () =>
    assertSameBytes(transcript, await readFile(path), 'the transcript'),
  )
  await scenario.also('scanning the branches finds no compaction a second time', async () => {
    const branches = listAt(await live.json('scan', join(scenario.folder, 'branches')), 'sessions')
    assertSame(2 * moments.length, branches.length, 'the sessions of the scan')
    const ids = listAt(await live.json('list', '--agent', 'pi'), 'checkpoints').map((row) => textAt(row, 'id'))
    assertSame(moments.map((moment) => moment.captured).sort(), ids.sort(), 'the checkpoints of the store')
  })
}

async function assertGivenBack(
  scenario: Scenario,
  client: string,
  palimpsest: Palimpsest,
  given: { readonly nth: string; readonly id: string; readonly moment: Moment; readonly path: string },
): Promise<void> {
  const { nth, id, moment, path } = given
  await scenario.also(`${nth}: the bytes are those before it`, async () =>
    assertSameBytes(moment.bytes, await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.also(`${nth}: the client opens the branch at the same leaf with the same context, and goes on`, async () => {
    const branch = await branched(scenario, palimpsest, id)
    assertSame(path, at(jsonLines(await readFile(branch))[0], 'parentSession'), 'parentSession')
    await assertOpens(scenario, client, branch, moment.before)
  })
}

async function realSession(scenario: Scenario, client: string, fixture: string): Promise<void> {
  const lines = (await readFile(fixture, 'utf8')).split('\n')
  const boundaries = lines.flatMap((line, index) =>
    line.includes('"type":"compaction"') && at(JSON.parse(line), 'type') === 'compaction' ? [index] : [],
  )
  const path = join(scenario.folder, 'real.jsonl')
  const live = await palimpsestOf(scenario, 'store-of-captures')
  const moments = await scenario.check('the session is captured as it was before each of its two compactions', async () => {
    assertSame(2, boundaries.length, 'compactions')
    const found: Moment[] = []
    for (const boundary of boundaries) {
      await writeFile(path, `${lines.slice(0, boundary).join('\n')}\n`)
      const before = await migratedPiState(scenario, client, path)
      found.push({ before, bytes: await readFile(path), captured: await captured(live, path) })
    }
    await writeFile(path, lines.join('\n'))
    return found
  })
  await scenario.also('the client said 354 and 335 messages', () =>
    assertSame(
      [354, 335],
      moments.map(({ before }) => before.messages.length),
      'the numbers of messages',
    ),
  )
  await scenario.check('a scan completes the captures and makes no second ones', async () =>
    assertSame(
      moments.map((moment) => moment.captured),
      await scanned(live, path),
      'the checkpoints',
    ),
  )
  const later = await palimpsestOf(scenario, 'store-of-scans')
  const ids = await scenario.check('a scan without any capture finds both', async () => {
    const found = await scanned(later, path)
    assertSame(2, found.length, 'the number of checkpoints')
    return found
  })
  for (const [index, moment] of moments.entries()) {
    for (const [palimpsest, id, how] of [[live, moment.captured, 'captured'] as const, [later, ids[index] ?? '', 'scanned'] as const]) {
      await scenario.also(`compaction ${index + 1}, ${how}: the bytes are those before it`, async () =>
        assertSameBytes(moment.bytes, await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
      )
      await scenario.also(`compaction ${index + 1}, ${how}: the client opens the branch with the same context, and goes on`, async () => {
        // Entries of this format have no ids; the client gives them random ones. It is linear, so its leaf is its last entry.
        const path = await branched(scenario, palimpsest, id)
        const leafId = textAt(jsonLines(await readFile(path)).at(-1), 'id')
        assertSame(moment.before.entryIds.length + 1, jsonLines(await readFile(path)).length, 'the lines of the branch')
        await assertOpens(scenario, client, path, { ...moment.before, leafId })
      })
    }
  }
}

async function restoredInPlace(scenario: Scenario, client: string): Promise<void> {
  const session = await createPiSession(scenario, client, join(scenario.folder, 'project'))
  const palimpsest = await palimpsestOf(scenario, 'store')
  const [moment] = await heldAndCaptured(session, palimpsest, async (held, compact) => {
    await turns(held, 'a', 3)
    await compact(await held.user('kept'))
    await turns(held, 'b', 2)
  })
  if (moment === undefined) throw new Error('no compaction')
  const after = await session.state()
  const transcript = await readFile(after.file)
  const id = (await scanned(palimpsest, after.file))[0] ?? ''
  await scenario.also('a session that was written a moment ago is not touched', async () => {
    assertSame({ code: 'CHECKPOINT_CONFLICT', status: 6 }, await palimpsest.refusal('restore', id, '--in-place'), 'the refusal')
    assertSameBytes(transcript, await readFile(after.file), 'the transcript')
  })
  const { mode, inode } = await idle(after.file)
  const undo = await scenario.check('after a minute it is restored, and names its undo', async () => {
    const restored = await palimpsest.json('restore', id, '--in-place')
    assertSame(after.file, at(restored, 'path'), 'path')
    assertSame(after.sessionId, at(restored, 'sessionId'), 'sessionId')
    return textAt(restored, 'undo')
  })
  await scenario.check('one label was appended, and nothing else was written', async () => {
    const restored = await readFile(after.file)
    assertSameBytes(transcript, restored.subarray(0, transcript.length), 'the transcript before the label')
    const added = jsonLines(restored.subarray(transcript.length))
    assertSame(
      ['label'],
      added.map((line) => at(line, 'type')),
      'the lines that were added',
    )
    assertSame(moment.before.leafId, at(added[0], 'parentId'), 'the parent of the label')
    const now = await stat(after.file)
    assertSame({ mode, inode }, { mode: now.mode, inode: now.ino }, 'the file')
  })
  await scenario.check('the client opens it with the context before the compaction, and goes on from there', async () => {
    const opened = await openPiSession(scenario, client, after.file)
    assertSame(moment.before.context, (await opened.state()).context, 'the context')
    await assertGoesOn(opened)
  })
  await scenario.check('restoring the undo gives the context after the compaction back', async () => {
    await idle(after.file)
    await palimpsest.json('restore', undo, '--in-place')
    const bytes = await readFile(after.file)
    assertSameBytes(transcript, bytes.subarray(0, transcript.length), 'the transcript, in the file now')
    const opened = await openPiSession(scenario, client, after.file)
    assertSame(after.context, (await opened.state()).context, 'the context')
    await assertGoesOn(opened)
  })
  await scenario.also('scanning the restored session finds the same compaction and no other', async () =>
    assertSame([id], await scanned(palimpsest, after.file), 'the checkpoints'),
  )
}

/** A branch in a folder of its own; gives its file. */
async function branched(scenario: Scenario, palimpsest: Palimpsest, id: string): Promise<string> {
  const folder = join(scenario.folder, 'branches', String(process.hrtime.bigint()))
  await mkdir(folder, { recursive: true })
  const branch = await palimpsest.json('branch', id, '--to', folder)
  const path = textAt(branch, 'path')
  assertSame(folder, dirname(path), 'the folder of the branch')
  assertSame(0o600, (await stat(path)).mode & 0o777, 'the mode of the branch')
  assertSame(textAt(branch, 'sessionId'), at(jsonLines(await readFile(path))[0], 'id'), 'the id in the header')
  if (!listAt(branch, 'resumeArgv').includes(path)) throw new Error(`resumeArgv does not name the file: ${shown(at(branch, 'resumeArgv'))}`)
  return path
}

async function assertOpens(scenario: Scenario, client: string, path: string, expected: PiState): Promise<void> {
  const opened = await openPiSession(scenario, client, path)
  const state = await opened.state()
  assertSame(expected.context, state.context, 'the context')
  assertSame(expected.leafId, state.leafId, 'the leaf')
  const kept = new Set(state.entryIds)
  const labels = expected.labels.filter((label) => kept.has(at(label, 0)))
  assertSame(inOrder(labels), inOrder(state.labels), 'the labels')
  if (state.sessionId === expected.sessionId) throw new Error('the branch has the id of its source')
  await assertGoesOn(opened)
}

function inOrder(labels: readonly unknown[]): readonly string[] {
  return labels.map((label) => JSON.stringify(label)).sort()
}

/** Appends a prompt, and opens the file again to see it. */
async function assertGoesOn(session: PiSession): Promise<void> {
  const before = await session.state()
  const added = await session.user('and on')
  await session.reopen()
  const after = await session.state()
  assertSame(added, after.leafId, 'the leaf after a prompt was appended')
  assertSame(before.messages, after.messages.slice(0, -1), 'the messages before the appended prompt')
}

/** Makes a file look as if it had not been written for two minutes. */
async function idle(path: string): Promise<{ readonly mode: number; readonly inode: number }> {
  const earlier = new Date(Date.now() - 120_000)
  await utimes(path, earlier, earlier)
  const { mode, ino } = await stat(path)
  return { mode, inode: ino }
}

async function summaryFile(scenario: Scenario): Promise<string> {
  const path = join(scenario.folder, 'summary.txt')
  await writeFile(path, 'said by the caller')
  return path
}

function palimpsestOf(scenario: Scenario, store: string): Promise<Palimpsest> {
  return palimpsestIn(join(scenario.folder, store), { home: scenario.folder })
}
