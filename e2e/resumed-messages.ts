import { assertSame, difference } from './difference.ts'
import { at, isRecord, shown } from './json-value.ts'
import type { ModelRequest } from './stand-ins.ts'

/** What stands in a request after the messages of an earlier one. */
export interface Continuation {
  /** Messages after the earlier ones and the answer to them. */
  readonly after: readonly unknown[]
  /** How many messages were compared and found equal. */
  readonly compared: number
}

// Marks which parts of a request the API caches; it moves with every request and is no part of a message.
const cacheMarks: ReadonlySet<string> = new Set(['cache_control'])

/**
 * Checks that `request` begins with all messages of `earlier`, one by one, followed by the answer that `earlier` was given. Gives what follows.
 * Throws where a message differs or is missing.
 */
export function continuationOf(earlier: ModelRequest, request: ModelRequest): Continuation {
  const answer = earlier.reply === undefined ? [] : [{ role: 'assistant', content: earlier.reply }]
  const expected = [...earlier.messages, ...answer]
  for (const [index, message] of expected.entries()) {
    const where = difference(inBlocks(message), inBlocks(request.messages[index]), cacheMarks, `message ${index}`)
    if (where !== undefined)
      throw new Error(`${where} (${expected.length} messages expected before the new prompt, ${request.messages.length} received)`)
  }
  return { after: request.messages.slice(expected.length), compared: expected.length }
}

/** A message with its content as blocks: a text alone says the same, but can't carry a mark. */
function inBlocks(message: unknown): unknown {
  if (!isRecord(message) || typeof message['content'] !== 'string') return message
  return { ...message, content: [{ type: 'text', text: message['content'] }] }
}

/** Checks that all that follows is the new prompt. */
export function assertOnlyPrompt(after: readonly unknown[], prompt: string): void {
  if (after.length !== 1) throw new Error(`expected the new prompt alone, found ${after.length} messages: ${shown(after, 600)}`)
  assertUserText(after[0], prompt)
}

/** Checks that a message is the user's and ends with a text. */
export function assertUserText(message: unknown, text: string): void {
  if (at(message, 'role') !== 'user' || !lastTextOf(message).endsWith(text))
    throw new Error(`expected the user to say ${text}, found ${shown(message)}`)
}

/** The last text of a message. */
export function lastTextOf(message: unknown): string {
  const content = at(message, 'content')
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return ''
  const texts = content.flatMap((block) => (isRecord(block) && typeof block['text'] === 'string' ? [block['text']] : []))
  return texts.at(-1) ?? ''
}

/** The last request for an answer before the first for a summary, or the last of all. */
export function lastTurn(requests: readonly ModelRequest[]): ModelRequest {
  const turn = requests.findLast((request) => request.kind === 'turn')
  if (turn === undefined) throw new Error('the model was sent no turn')
  return turn
}

/** The first request for an answer. */
export function firstTurn(requests: readonly ModelRequest[]): ModelRequest {
  const turn = requests.find((request) => request.kind === 'turn')
  if (turn === undefined) throw new Error('the model was sent no turn')
  return turn
}

/** Checks that the model was sent all of `before`, an answer, and then `prompt`; the system prompt belongs to the program, not to the session. */
export function assertContinues(before: ModelRequest, requests: readonly ModelRequest[], prompt: string): void {
  const withoutSystem = (request: ModelRequest): ModelRequest => ({ ...request, messages: request.messages.slice(1) })
  const kinds = requests.map((request) => request.kind)
  if (kinds.includes('compact')) throw new Error(`the client compacted on resume: ${kinds.join(', ')}`)
  const { after } = continuationOf(withoutSystem(before), withoutSystem(firstTurn(requests)))
  const [answer, prompted] = after
  assertSame(2, after.length, `what follows the earlier messages (${shown(after, 600)})`)
  assertSame('assistant', at(answer, 'role'), 'the role of the answer')
  if (!lastTextOf(answer).startsWith('Mock reply')) throw new Error(`the answer is ${shown(answer)}`)
  assertUserText(prompted, prompt)
}
