import { readFile, writeFile } from 'node:fs/promises'
import { assertSame } from './difference.ts'
import { at, textAt } from './json-value.ts'
import type { Palimpsest } from './palimpsest.ts'
import type { PiSession, PiState } from './pi-client.ts'

/** A session right before a compaction: what the client said of it, its bytes, and the checkpoint captured then. */
export interface Moment {
  readonly before: PiState
  readonly bytes: Buffer
  readonly captured: string
}

/** Captures the session, then compacts it; gives the id of the compaction. */
type Compact = (firstKeptEntryId: string, how?: { readonly movedBack: true }) => Promise<string>

/** Fills a session and compacts it on the way. */
export type Build = (session: PiSession, compact: Compact) => Promise<void>

/** Runs `build`, and captures at each of its compactions. */
export async function heldAndCaptured(session: PiSession, palimpsest: Palimpsest, build: Build): Promise<readonly Moment[]> {
  const moments: Moment[] = []
  await build(session, async (firstKeptEntryId, how) => {
    const before = await session.state()
    const leaf = how === undefined ? [] : ['--leaf-id', before.leafId]
    moments.push({ before, bytes: await readFile(before.file), captured: await captured(palimpsest, before.file, ...leaf) })
    const id = await session.append('appendCompaction', `summary ${moments.length}`, firstKeptEntryId, 1000 * moments.length)
    const after = await session.state()
    if (JSON.stringify(after.context) === JSON.stringify(before.context)) throw new Error('the compaction changed nothing')
    return id
  })
  return moments
}

/** Two compactions, one after the other. */
export const linear: Build = async (session, compact) => {
  await turns(session, 'a', 3)
  const kept = await session.user('a last prompt')
  await session.assistant('a last answer')
  await compact(kept)
  await turns(session, 'b', 2)
  const keptAgain = await session.user('b last prompt')
  await session.tool('bash', 'b last result')
  await session.assistant('b last answer')
  await compact(keptAgain)
  await turns(session, 'c', 1)
}

/** The leaf is moved back before a compaction, also behind an earlier one; nothing in the file says so. */
export const movedBack: Build = async (session, compact) => {
  await session.user('first')
  const early = await session.assistant('first answer')
  const kept = await session.user('second')
  const middle = await session.assistant('second answer')
  await turns(session, 'abandoned', 2)
  await session.append('appendLabelChange', early, 'said on the abandoned branch')
  await session.moveTo(middle)
  await compact(kept, { movedBack: true })
  await turns(session, 'after', 1)
  // Behind the compaction: its summary is not on this branch.
  await session.moveTo(early)
  const other = await session.user('another way')
  const otherAnswer = await session.assistant('another answer')
  await compact(other)
  await session.user('after that')
  await session.assistant('the end')
  // And once more to a leaf in the middle, behind the second compaction.
  await session.moveTo(otherAnswer)
  await compact(other, { movedBack: true })
  await session.user('last')
}

/** Everything else that a session holds. */
export const embellished: Build = async (session, compact) => {
  await session.append('appendSessionInfo', 'a named session')
  const first = await session.user('first')
  const answer = await session.assistant('first answer')
  await session.append('appendLabelChange', first, 'here it begins')
  await session.append('appendModelChange', 'mock', 'another-model')
  await session.append('appendThinkingLevelChange', 'high')
  await session.append('appendCustomEntry', 'e2e', { counted: 1 })
  await session.append('appendCustomMessageEntry', 'e2e', 'said by an extension', true, { shown: true })
  await turns(session, 'abandoned', 1)
  await session.append('branchWithSummary', answer, 'what the abandoned branch was about', { readFiles: [] })
  const kept = await session.user('second, with \u2028 and \u{1f4dc} and "quotes"')
  await session.tool('bash', 'ünïcödé\n\tand a tab')
  await session.assistant('second answer')
  await session.append('appendLabelChange', kept, 'kept')
  await compact(kept)
  await session.append('appendLabelChange', first, undefined)
  await session.append('appendCustomMessageEntry', 'e2e', 'said after the compaction', false)
  await turns(session, 'after', 1)
  const last = await session.user('third')
  await session.append('appendLabelChange', last, 'a label as the leaf')
  await compact(last)
  await turns(session, 'end', 1)
}

/** Compactions whose context is their summary alone. */
export const keepingNothing: Build = async (session, compact) => {
  await turns(session, 'a', 2)
  await compactKeepingNothing(session, compact)
  assertSame(1, (await session.state()).messages.length, 'the number of messages after a compaction that keeps nothing')
  await turns(session, 'b', 2)
  await compactKeepingNothing(session, compact)
  await turns(session, 'c', 1)
}

/** As OpenClaw has it: the compaction names itself as the first entry kept, for which it rewrites its line. */
async function compactKeepingNothing(session: PiSession, compact: Compact): Promise<void> {
  const { leafId, file } = await session.state()
  const id = await compact(leafId)
  const lines = (await readFile(file, 'utf8')).trimEnd().split('\n')
  const last = lines.pop() ?? ''
  await writeFile(file, `${[...lines, last.replace(`"firstKeptEntryId":"${leafId}"`, `"firstKeptEntryId":"${id}"`)].join('\n')}\n`)
  await session.reopen()
}

/** Prompts, each answered after a call of a tool. */
export async function turns(session: PiSession, name: string, count: number): Promise<void> {
  for (let turn = 1; turn <= count; turn++) {
    await session.user(`${name} prompt ${turn}`)
    await session.tool('bash', `${name} result ${turn}`)
    await session.assistant(`${name} answer ${turn}`)
  }
}

/** Captures a session as it is; gives the id of the pending checkpoint. */
export async function captured(palimpsest: Palimpsest, path: string, ...words: readonly string[]): Promise<string> {
  const answer = await palimpsest.json(
    'capture',
    '--agent',
    'pi',
    '--transcript',
    path,
    '--tokens-before',
    '12345',
    '--reason',
    'manual',
    ...words,
  )
  assertSame('captured', at(answer, 'outcome'), 'outcome')
  assertSame('pending', at(answer, 'checkpoint', 'status'), 'status')
  return textAt(answer, 'checkpoint', 'id')
}
