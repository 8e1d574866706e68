import { CheckpointError, type TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript } from '../bytes-transcript.ts'
import { parseLine } from '../lines.ts'
import { canonicalJson, revived } from './canonical-json.ts'
import { messageIds } from './message-id.ts'

/** What the header of a history says it is. */
export const headerType = 'palimpsest-messages'

/** Which conversation a history is of. */
export interface MessagesOptions {
  /** The program's own id of it. The same for every capture of one conversation. */
  readonly sessionId: string
  readonly cwd?: string | undefined
}

/**
 * A history that a program holds as an array of messages, of any SDK: the AI SDK, OpenAI Agents, Anthropic Messages, LangGraph. Each message is
 * one line; equal arrays give the same bytes, and a message more appends to them. The messages are written down at once, so that they may be
 * changed afterwards. Nobody but the program knows when it compacts: capture before it does, best with `checkpoints.around`. Throws
 * `ARGUMENT_INVALID` for a message with something in it that can't be given back, naming its place, and for an empty session id.
 */
export function messagesTranscript(messages: readonly unknown[], options: MessagesOptions): TranscriptOrigin {
  const { sessionId, cwd } = options
  if (sessionId === '') {
    throw new CheckpointError('ARGUMENT_INVALID', 'A history needs a session id: name the conversation it is of.', {
      argument: 'sessionId',
    })
  }
  const header = canonicalJson({ type: headerType, format: 1, sessionId, cwd }, 'options')
  const lines = messages.map((message, at) => `{"message":${canonicalJson(message, `messages[${at}]`)}}\n`)
  return bytesTranscript({ main: Buffer.from(`${header}\n${lines.join('')}`) })
}

/**
 * The messages of a history as values: of a checkpoint by `checkpoints.raw(id)`, of a branch by reading its file. They are deeply equal to those
 * that were captured; instances of message classes come as what they wrote themselves as. Throws `TRANSCRIPT_MALFORMED` for a line that is none.
 */
export async function messagesIn(bytes: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<readonly unknown[]> {
  const pieces: Uint8Array[] = []
  for await (const piece of bytes) pieces.push(piece)
  const [header, ...lines] = Buffer.concat(pieces).toString().split('\n')
  if (parseLine(Buffer.from(header ?? '')).value?.['type'] !== headerType) throw malformed('it does not begin with its header', 0)
  return lines.flatMap((line, at) => {
    if (line === '') return []
    const { value } = parseLine(Buffer.from(line))
    if (value === undefined || !('message' in value)) throw malformed('a line holds no message', at + 1)
    return [revived(value['message'])]
  })
}

/**
 * The ids that messages have as entries, for `firstKeptEntryId`: a message's own where it has one and no message before has it, else one made of
 * its place.
 */
export function messageEntryIds(messages: readonly unknown[]): readonly string[] {
  const ids = messageIds()
  return messages.map((message, at) => ids.next(message, at + 1))
}

function malformed(what: string, line: number): CheckpointError {
  return new CheckpointError('TRANSCRIPT_MALFORMED', `This is no history of messages: ${what}.`, { line })
}
