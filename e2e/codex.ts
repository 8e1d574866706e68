import { readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { zstdCompressSync } from 'node:zlib'
import { boundariesOf, type CodexClient, type CodexSetUp, codexIn, installCodex } from './codex-client.ts'
import { contextBegunAnew, reverted } from './codex-contexts.ts'
import {
  assertContinues,
  branched,
  fillingPrompt,
  firstPrompt,
  fullPrompt,
  nextPrompt,
  summaryRequest,
  whereDifferent,
} from './codex-steps.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestCommand, palimpsestIn, scanned, scannedOnce, shownCheckpoint, storeUrlOf } from './palimpsest.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Scenario, Suite } from './suite.ts'

// The first has everything; the others have other formats, as far as they differ.
const versions = ['0.169.0', '0.157.1', '0.145.0', '0.125.0', '0.101.0']
const wholeVersions: ReadonlySet<string> = new Set(['0.169.0', '0.125.0'])
/** Codex against its stand-in: what the model is sent after a branch or a restore is what it was sent when the compaction was asked for. */
export const codex: Suite = {
  name: 'codex',
  run: async (course) => {
    const missing = await missingTool('mock-openai-responses.mjs')
    for (const version of versions) {
      const client = missing === undefined ? await installCodex(version) : { missing }
      if ('missing' in client) {
        course.skip(`all scenarios of ${version}`, client.missing)
        continue
      }
      const { program } = client
      const isNew = version === versions[0]
      const setUp = { repeatsContext: version === '0.101.0' }
      await course.scenario(`${version}: compacted automatically within a turn`, (scenario) =>
        compactedWithinTurn(scenario, program, setUp),
      )
      await course.scenario(`${version}: two compactions`, (scenario) => compactedTwice(scenario, program, setUp))
      if (!wholeVersions.has(version)) continue
      await course.scenario(`${version}: compacted automatically before a turn`, (scenario) => compactedBeforeTurn(scenario, program))
      await course.scenario(`${version}: compacted by hand`, (scenario) => compactedByHand(scenario, program))
      await course.scenario(`${version}: a restore in place and its undo`, (scenario) => restoredInPlace(scenario, program))
      if (!isNew) continue
      await course.scenario(`${version}: compacted by the API, the summary encrypted`, (scenario) =>
        compactedWithinTurn(scenario, program, { providerName: 'OpenAI' }),
      )
      await course.scenario(`${version}: a capture at the hook`, (scenario) => capturedAtTheHook(scenario, program))
      await course.scenario(`${version}: a fork that goes on from another rollout`, (scenario) => forked(scenario, program))
      await course.scenario(`${version}: a compressed rollout`, (scenario) => compressed(scenario, program))
      await course.scenario(`${version}: a context that the model begins anew`, (scenario) => contextBegunAnew(scenario, program))
      await course.scenario(`${version}: a session that was reverted`, (scenario) => reverted(scenario, program))
    }
  },
}

/** A session that has one compaction, and the request for its summary without the words that ask for it. */
interface Compacted {
  readonly client: CodexClient
  readonly palimpsest: Palimpsest
  readonly sessionId: string
  readonly path: string
  readonly before: readonly unknown[]
  readonly setUp: CodexSetUp
}

async function held(
  scenario: Scenario,
  program: string,
  setUp: CodexSetUp,
  compaction: (client: CodexClient, sessionId: string) => Promise<readonly ModelRequest[]>,
): Promise<Compacted> {
  const client = await codexIn(scenario, program, setUp)
  const found = await scenario.check('the client holds a session with tools and compacts it', async () => {
    const { sessionId } = await client.prompt(firstPrompt)
    const before = summaryRequest(await compaction(client, sessionId))
    const path = await client.rollout(sessionId)
    assertSame(1, (await boundariesOf(path)).length, 'the number of compactions')
    return { sessionId, path, before }
  })
  return { client, setUp, palimpsest: await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env }), ...found }
}

const heldWithinTurn = (scenario: Scenario, program: string, setUp: CodexSetUp = {}) =>
  held(scenario, program, setUp, async (client, id) => (await client.prompt(fullPrompt, 'resume', id)).requests)

async function compactedWithinTurn(scenario: Scenario, program: string, setUp: CodexSetUp = {}): Promise<void> {
  const session = await heldWithinTurn(scenario, program, setUp)
  const { palimpsest, path } = session
  const id = await foundByScan(scenario, session, { reason: 'auto-threshold', tokensBefore: 150_040 })
  await scenario.also('the summary is there, unless it is encrypted', async () => {
    const summary = at(await shownCheckpoint(palimpsest, id), 'summary')
    const isRight = setUp.providerName === undefined ? String(summary).startsWith('MOCK SUMMARY') : summary === undefined
    if (!isRight) throw new Error(`the summary is ${shown(summary)}`)
  })
  const transcript = await readFile(path)
  await resumesAsBefore(scenario, session, id)
  await scenario.check('neither scan nor branch touches the transcript', async () =>
    assertSameBytes(transcript, await readFile(path), 'the transcript'),
  )
  await scenario.check('the comparison can fail: without a branch the model is sent other items', async () => {
    const { requests } = await session.client.prompt(nextPrompt, 'resume', session.sessionId)
    if (whereDifferent(session.before, requests[0]?.messages ?? []) === undefined) throw new Error('they are the same')
  })
  await scenario.check('without the count of no tokens the client compacts before its first answer', async () => {
    const branch = await branched(palimpsest, id)
    const lines = (await readFile(branch.path, 'utf8')).trimEnd().split('\n')
    assertSame(0, at(JSON.parse(lines.at(-1) ?? ''), 'payload', 'info', 'last_token_usage', 'total_tokens'), 'the last line')
    await writeFile(branch.path, `${lines.slice(0, -1).join('\n')}\n`)
    const { requests } = await session.client.prompt(nextPrompt, 'resume', branch.sessionId)
    assertSame('compact', requests[0]?.kind, 'the first request')
  })
}

async function compactedBeforeTurn(scenario: Scenario, program: string): Promise<void> {
  const session = await held(scenario, program, {}, async (client, id) => {
    await client.prompt(fillingPrompt, 'resume', id)
    return (await client.prompt('late\nSAY: LATE', 'resume', id)).requests
  })
  await resumesAsBefore(scenario, session, await foundByScan(scenario, session, { reason: 'auto-threshold', tokensBefore: 150_040 }))
}

async function compactedByHand(scenario: Scenario, program: string): Promise<void> {
  const session = await held(scenario, program, {}, (client, id) => client.compact(id))
  await resumesAsBefore(scenario, session, await foundByScan(scenario, session, { reason: 'manual' }))
}

async function compactedTwice(scenario: Scenario, program: string, setUp: CodexSetUp): Promise<void> {
  const session = await heldWithinTurn(scenario, program, setUp)
  const second = await scenario.check('it goes on, and compacts once more', async () =>
    summaryRequest((await session.client.prompt(fullPrompt, 'resume', session.sessionId)).requests),
  )
  const ids = await scenario.check('scan finds both compactions, and the same ones again', async () => {
    const found = await scanned(session.palimpsest, session.path)
    assertSame(2, found.length, 'the number of checkpoints')
    assertSame(found, await scanned(session.palimpsest, session.path), 'the checkpoints of a second scan')
    return found
  })
  await resumesAsBefore(scenario, session, ids[0] ?? '', 'the first')
  await resumesAsBefore(scenario, { ...session, before: second }, ids[1] ?? '', 'the second')
}

async function capturedAtTheHook(scenario: Scenario, program: string): Promise<void> {
  const log = join(scenario.folder, 'hook.jsonl')
  const script = fileURLToPath(new URL('./pre-compact-hook.ts', import.meta.url))
  const words = [process.execPath, script, palimpsestCommand, storeUrlOf(join(scenario.folder, 'store')), log, 'codex']
  const hook = { type: 'command', command: words.map((word) => `'${word}'`).join(' '), timeout: 60 }
  const session = await heldWithinTurn(scenario, program, { hooks: { PreCompact: [{ hooks: [hook] }] } })
  const captured = await scenario.check('the hook ran once, before the compaction, and captured', async () => {
    const runs = jsonLines(await readFile(log))
    assertSame(1, runs.length, 'the number of runs')
    assertSame('captured', at(runs[0], 'answer', 'outcome'), `outcome (${shown(runs[0], 900)})`)
    assertSame(false, at(runs[0], 'hasBoundary'), 'whether the boundary was in the transcript')
    return textAt(runs[0], 'answer', 'checkpoint', 'id')
  })
  await resumesAsBefore(scenario, session, captured, 'the pending checkpoint')
  const id = await foundByScan(scenario, session, { reason: 'auto-threshold', status: 'complete', origin: 'capture' })
  await scenario.check('it is the same checkpoint', () => assertSame(captured, id, 'the checkpoint'))
  await resumesAsBefore(scenario, session, id, 'the completed checkpoint')
}

async function restoredInPlace(scenario: Scenario, program: string): Promise<void> {
  const session = await heldWithinTurn(scenario, program)
  const { client, palimpsest, path, sessionId } = session
  const id = await foundByScan(scenario, session, {})
  const transcript = await readFile(path)
  const undo = await scenario.check('a restore puts the session back and names its undo', async () => {
    const restored = await palimpsest.json('restore', id, '--in-place', '--force')
    assertSame(path, at(restored, 'path'), 'path')
    assertSame(0, (await boundariesOf(path)).length, 'the number of compactions')
    return textAt(restored, 'undo')
  })
  await scenario.check('restoring the undo gives the file back byte for byte', async () => {
    await palimpsest.json('restore', undo, '--in-place', '--force')
    assertSameBytes(transcript, await readFile(path), 'the file')
  })
  await scenario.check('restored once more, the same session resumes with exactly what the model was sent before', async () => {
    await palimpsest.json('restore', id, '--in-place', '--force')
    const { requests } = await client.prompt(nextPrompt, 'resume', sessionId)
    assertContinues(session.before, requests, session.setUp)
  })
}

async function forked(scenario: Scenario, program: string): Promise<void> {
  const client = await codexIn(scenario, program)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  const source = await scenario.check('the client holds a session', () => client.prompt(firstPrompt))
  const fork = await scenario.check('a fork of it goes on from its rollout', async () => {
    const { sessionId } = await client.prompt('aside\nSAY: ASIDE', 'fork', source.sessionId)
    const path = await client.rollout(sessionId)
    const [first] = jsonLines(await readFile(path))
    assertSame(source.sessionId, at(first, 'payload', 'history_base', 'thread_id'), 'what it goes on from')
    return { sessionId, path }
  })
  const before = await scenario.check('the fork compacts', async () =>
    summaryRequest((await client.prompt(fullPrompt, 'resume', fork.sessionId)).requests),
  )
  const session = { client, palimpsest, before, setUp: {}, ...fork }
  const id = await scenario.check('scan finds the compaction as one of the fork', async () => {
    const found = await scannedOnce(palimpsest, fork.path)
    assertSame(fork.sessionId, at(await shownCheckpoint(palimpsest, found), 'sessionId'), 'sessionId')
    return found
  })
  await scenario.check('the bytes given back are those of both, one after the other', async () => {
    const own = await readFile(fork.path)
    const [meta] = jsonLines(own)
    const base = (await readFile(await client.rollout(source.sessionId))).subarray(
      0,
      Number(at(meta, 'payload', 'history_base', 'end_byte_offset')),
    )
    const [boundary] = await boundariesOf(fork.path)
    assertSameBytes(Buffer.concat([base, own.subarray(0, boundary)]), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.check('a restore in place is refused, since one file would not be enough', async () => {
    assertSame('TARGET_REFUSED', (await palimpsest.refusal('restore', id, '--in-place', '--force')).code, 'the refusal')
  })
  await resumesAsBefore(scenario, session, id)
}

async function compressed(scenario: Scenario, program: string): Promise<void> {
  const session = await heldWithinTurn(scenario, program)
  const { palimpsest, path } = session
  const id = await foundByScan(scenario, session, {})
  const transcript = await readFile(path)
  await writeFile(`${path}.zst`, zstdCompressSync(transcript))
  await rm(path)
  await scenario.check('the compressed rollout is the same session, with the same checkpoint', async () =>
    assertSame([id], await scanned(palimpsest, `${path}.zst`), 'the checkpoints'),
  )
  await scenario.check('the client itself reads it, and goes on', async () => {
    await session.client.prompt(nextPrompt, 'resume', session.sessionId)
  })
  await resumesAsBefore(scenario, session, id)
}

async function foundByScan(scenario: Scenario, { palimpsest, path }: Compacted, facts: Readonly<Record<string, unknown>>): Promise<string> {
  const id = await scenario.check('scan finds the one compaction, and what is known of it', async () => {
    const found = await scannedOnce(palimpsest, path)
    const checkpoint = await shownCheckpoint(palimpsest, found)
    for (const [name, value] of Object.entries(facts)) assertSame(value, at(checkpoint, name), name)
    return found
  })
  await scenario.check('the bytes given back are those before the boundary', async () => {
    const [boundary] = await boundariesOf(path)
    assertSameBytes((await readFile(path)).subarray(0, boundary), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  return id
}

async function resumesAsBefore(
  scenario: Scenario,
  { client, palimpsest, before, sessionId, path, setUp }: Compacted,
  id: string,
  which = 'the checkpoint',
): Promise<void> {
  await scenario.check(`a branch of ${which} resumes with exactly what the model was sent before the compaction`, async () => {
    const branch = await branched(palimpsest, id)
    if (branch.sessionId === sessionId || branch.path === path) throw new Error('the branch is its source')
    assertSame(0o600, (await stat(branch.path)).mode & 0o777, 'the mode of the branch')
    const { sessionId: resumed, requests } = await client.prompt(nextPrompt, 'resume', branch.sessionId)
    assertSame(branch.sessionId, resumed, 'the session that was resumed')
    assertContinues(before, requests, setUp)
  })
}
