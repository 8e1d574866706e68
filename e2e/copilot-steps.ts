import { branchedFor } from './branched-session.ts'
import type { CopilotClient } from './copilot-client.ts'
import { assertSame } from './difference.ts'
import { at, shown } from './json-value.ts'
import { assertUserText, continuationOf, firstTurn, lastTextOf } from './resumed-messages.ts'
import type { ModelRequest } from './stand-ins.ts'

/** A prompt with a tool. */
export const firstPrompt = 'one CALL:bash {"command":"echo first-$((6*7))","description":"print"}'

/** The prompt after a branch or a restore. */
export const nextPrompt = 'next, please'

/** Has a session compacted as by hand. */
export async function compacted(client: CopilotClient, resume: readonly string[]): Promise<void> {
  const requests = await client.prompt('/compact', resume)
  if (!requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
}

/** What the model is sent behind all that it was sent before; the system message is compared but for the session's own folder. */
export async function resumed(client: CopilotClient, resume: readonly string[], before: ModelRequest): Promise<readonly unknown[]> {
  const requests = await client.prompt(nextPrompt, resume)
  if (requests.some((request) => request.kind === 'compact')) throw new Error('the client compacted on resume')
  const [own, ...messages] = firstTurn(requests).messages
  const [system, ...earlier] = before.messages
  assertSame(withoutFolder(system), withoutFolder(own), 'the system message')
  return continuationOf({ ...before, messages: earlier }, { kind: 'turn', messages }).after
}

/** A system message without what it says of the session's own folder: its path, and which summaries of compactions lie in it. */
function withoutFolder(system: unknown): unknown {
  const text = lastTextOf(system)
    .replace(/\/session-state\/[0-9a-f-]{36}/g, '')
    .replace(/\nContents:\n[\s\S]*?\nfiles\/ persists/, '')
  return { role: at(system, 'role'), text }
}

/** The answer to the last request before, and the new prompt. */
export function assertAnsweredAndPrompted(after: readonly unknown[]): void {
  if (after.length !== 2 || at(after[0], 'role') !== 'assistant' || !lastTextOf(after[0]).startsWith('Mock reply')) {
    throw new Error(`expected an answer and the new prompt, found ${after.length} messages: ${shown(after, 600)}`)
  }
  assertUserText(after[1], nextPrompt)
}

/** A new session from a checkpoint, and the words with which the client resumes it. */
export const branched = branchedFor('copilot')

/** Where the lines begin with which compactions begin, or those that say that they were applied. */
export function linesOf(events: Buffer, which: 'start' | 'complete'): readonly number[] {
  const beginning = `{"type":"session.compaction_${which}"`
  const starts: number[] = []
  for (let at = events.indexOf(beginning); at !== -1; at = events.indexOf(beginning, at + 1)) starts.push(at)
  return starts
}

/** A prompt of some 33,000 tokens as the client counts them. */
export function long(word: string): string {
  return `${word}${Array.from({ length: 11_500 }, (_, index) => ` w${(index * 7919) % 10_007}`).join('')}`
}
