import type { CodexSetUp } from './codex-client.ts'
import { assertSame, difference } from './difference.ts'
import { at, listAt, textAt } from './json-value.ts'
import type { Palimpsest } from './palimpsest.ts'
import { assertOnlyPrompt } from './resumed-messages.ts'
import type { ModelRequest } from './stand-ins.ts'

/** A prompt with a tool. */
export const firstPrompt = 'one\nRUN: echo first-$((6*7))\nSAY: ONE'

/** A prompt with a tool that fills the context, so that the client compacts within the turn. */
export const fullPrompt = 'two\nTHINK: weighing\nRUN: echo second-$((6*8))\nUSAGE: 150000\nSAY: TWO'

/** A prompt without a tool that fills the context, so that the client compacts before the next turn. */
export const fillingPrompt = 'two\nUSAGE: 150000\nSAY: TWO'

/** The prompt after a branch or a restore. */
export const nextPrompt = 'next\nRUN: echo next\nSAY: NEXT'

/** Checks that the first request has all items of an earlier one, one by one, then the new prompt alone, and that none asks for a summary. */
export function assertContinues(before: readonly unknown[], requests: readonly ModelRequest[], setUp: CodexSetUp = {}): void {
  assertSame(
    [],
    requests.filter(({ kind }) => kind === 'compact').map(({ kind }) => kind),
    'requests for a summary',
  )
  const items = requests[0]?.messages ?? []
  const where = whereDifferent(before, items)
  if (where !== undefined) throw new Error(`${where} (${before.length} items expected before the new prompt, ${items.length} received)`)
  const after = items.slice(before.length)
  assertOnlyPrompt(setUp.repeatsContext === true ? after.filter((item) => !isContext(item)) : after, nextPrompt)
}

/** What Codex itself says before a prompt. */
function isContext(item: unknown): boolean {
  return at(item, 'role') === 'developer' || /^(# AGENTS\.md|<environment_context>)/.test(String(at(item, 'content', 0, 'text')))
}

/** Where the items of an earlier request differ from the first of a later one; Codex's own instructions, the first of all, get a new id with every process. */
export function whereDifferent(before: readonly unknown[], items: readonly unknown[]): string | undefined {
  for (const [index, item] of before.entries()) {
    const where = difference(item, items[index], index === 0 ? new Set(['id']) : new Set(), `item ${index}`)
    if (where !== undefined) return where
  }
  return undefined
}

/** The items of the last request for a summary, without what asks for it. */
export function summaryRequest(requests: readonly ModelRequest[]): readonly unknown[] {
  const request = requests.findLast(({ kind }) => kind === 'compact')
  if (request === undefined) throw new Error('the model was not asked for a summary')
  return request.messages.slice(0, -1)
}

/** A new session from a checkpoint, which the client finds by its id. */
export async function branched(
  palimpsest: Palimpsest,
  id: string,
  ...words: readonly string[]
): Promise<{ readonly path: string; readonly sessionId: string }> {
  const branch = await palimpsest.json('branch', id, ...words)
  const argv = listAt(branch, 'resumeArgv')
  const sessionId = textAt(branch, 'sessionId')
  assertSame(['codex', 'resume', sessionId], argv, 'resumeArgv')
  return { path: textAt(branch, 'path'), sessionId }
}
