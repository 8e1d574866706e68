import type { EntryPage, ReadQuery, WithinSession } from '@palimpsest/core'
import { z } from 'zod'
import { agreeWithCursor, cursorCodec } from './page-cursor.ts'
import { agentArgument, sessionKeyArgument } from './session-arguments.ts'
import { ToolProblem } from './tool-problem.ts'

/** The arguments of `get_checkpoint`. */
export const readPlanInput = z.strictObject({
  id: z
    .string()
    .min(1)
    .max(64)
    .optional()
    .describe('The id that list_checkpoints shows, or "latest" (the default), "latest~1", …: the newest compaction, the one before it.'),
  agent: agentArgument.describe('Looks the id up among the sessions of this agent.'),
  session_key: sessionKeyArgument.describe('Looks the id up in this session.'),
  view: z
    .enum(['context', 'after', 'all', 'raw'])
    .optional()
    .describe(
      'context (the default): what the model saw before the compaction · after: right after it · all: every message of the session so far · raw: every line.',
    ),
  dropped: z.boolean().optional().describe('Only the entries that the compaction dropped.'),
  part: z
    .string()
    .min(1)
    .max(1024)
    .optional()
    .describe('The part that a hit of search_checkpoints names: all its lines instead of the transcript.'),
  from: z.int().min(0).max(1_000_000_000).optional().describe('The place in the view of the first entry, from 0.'),
  limit: z.int().min(1).max(200).optional().describe('How many entries at most, by default 50, with around 11. 1 reads one long entry.'),
  around: z.string().min(1).max(256).optional().describe('An entry id: that entry with its neighbours.'),
  entry: z.string().min(1).max(256).optional().describe('An entry id: that entry alone, at full length.'),
  text_from: z.int().min(0).max(1_000_000_000).optional().describe('With entry or from: the character of that entry to begin at.'),
  cursor: z.string().min(1).max(4096).optional().describe('next_cursor of the answer before, to go on.'),
  max_characters: z.int().min(500).max(36_000).default(8000).describe('How much text of entries the answer may hold.'),
})
export type ReadArguments = z.infer<typeof readPlanInput>

/** What to read, settled. */
export interface ReadPlan {
  readonly id: string
  readonly idBesideCursor?: string | undefined
  readonly within: WithinSession
  readonly query: ReadQuery
  /** The first character of the first entry. */
  readonly textFrom: number
  /** One entry at full length, instead of the beginnings of several. */
  readonly single: boolean
  readonly maxCharacters: number
  /** The first call of a reading, which also shows the summary. */
  readonly isBeginning: boolean
}

const cursors = cursorCodec(
  'get_checkpoint',
  1,
  z.object({
    id: z.string(),
    view: z.enum(['context', 'after', 'all', 'raw']).optional(),
    dropped: z.boolean().optional(),
    part: z.string().optional(),
    from: z.int().min(0),
    textFrom: z.int().min(0),
    single: z.boolean(),
  }),
)

/** Settles the arguments of a call. Throws a `ToolProblem` for a bad cursor, and for arguments that exclude each other. */
export function readPlanOf(args: ReadArguments): ReadPlan {
  if (args.cursor !== undefined) return planFromCursor(args.cursor, args)
  const { id, agent, session_key: sessionKey, view, dropped, part, from, around, entry, max_characters: maxCharacters } = args
  const places = Object.entries({ from, around, entry }).filter(([, value]) => value !== undefined)
  if (places.length > 1) throw excluding(places.map(([name]) => name))
  if (args.text_from !== undefined && from === undefined && entry === undefined) throw textFromNeedsPlace()
  const limit = entry === undefined ? (args.limit ?? (around === undefined ? 50 : 11)) : 1
  return {
    id: id ?? 'latest',
    within: { agent, sessionKey },
    query: { view, dropped, part, from, around: around ?? entry, limit },
    textFrom: args.text_from ?? 0,
    single: limit === 1,
    maxCharacters,
    isBeginning: (from ?? 0) === 0 && args.text_from === undefined && around === undefined && entry === undefined,
  }
}

/** The cursor that goes on after an answer. */
export function writeReadCursor(
  plan: ReadPlan,
  { checkpointId, view }: Pick<EntryPage, 'checkpointId' | 'view'>,
  next: { readonly from: number; readonly textFrom: number },
): string {
  return cursors.encode({ id: checkpointId, view, dropped: plan.query.dropped, part: plan.query.part, ...next, single: plan.single })
}

function planFromCursor(cursor: string, args: ReadArguments): ReadPlan {
  const { id, view, dropped, part, from, textFrom, single } = cursors.decode(cursor)
  const { from: otherFrom, around, entry, text_from: otherTextFrom } = args
  const given = { view: args.view, dropped: args.dropped, part: args.part, from: otherFrom, around, entry, text_from: otherTextFrom }
  agreeWithCursor('get_checkpoint', given, { view: view ?? 'context', dropped: dropped ?? false, part, from, text_from: textFrom })
  return {
    id,
    idBesideCursor: args.id,
    within: { agent: args.agent, sessionKey: args.session_key },
    query: { view, dropped, part, from, limit: single ? 1 : (args.limit ?? 50) },
    textFrom,
    single,
    maxCharacters: args.max_characters,
    isBeginning: false,
  }
}

function excluding(names: readonly string[]): ToolProblem {
  return new ToolProblem('ARGUMENT_INVALID', `${names.join(' and ')} exclude each other.`, [
    'give one of them, or none to begin at the start.',
  ])
}

function textFromNeedsPlace(): ToolProblem {
  return new ToolProblem('ARGUMENT_INVALID', 'text_from needs to know in which entry.', ['give entry or from with it.'])
}
