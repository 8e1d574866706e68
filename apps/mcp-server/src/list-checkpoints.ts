import { z } from 'zod'
import { checkpointRow, checkpointRowSchema, rowText } from './checkpoint-row.ts'
import { fenceFor } from './fence.ts'
import { agreeWithCursor, cursorCodec } from './page-cursor.ts'
import { oneLine } from './plain-text.ts'
import { defineTool, type Tool, type ToolAnswer } from './registry.ts'
import { agentArgument, sessionKeyArgument } from './session-arguments.ts'
import type { ToolSurroundings } from './tool-surroundings.ts'

const input = z.strictObject({
  agent: agentArgument.describe('Only of this agent: pi, openclaw, claude-code, codex, …'),
  session_key: sessionKeyArgument.describe('Only of this session, as an earlier answer names it.'),
  limit: z.int().min(1).max(100).default(20).describe('How many at most.'),
  cursor: z.string().min(1).max(4096).optional().describe('next_cursor of the answer before, to go on.'),
})

const output = z.object({
  notice: z.string(),
  checkpoints: z.array(
    checkpointRowSchema.extend({
      summary: z.string().optional().describe('the beginning of the summary that the compaction left, quoted between the tags'),
      problem: z.string().optional().describe('why its record could not be read'),
    }),
  ),
  reminder: z.string(),
  next_cursor: z.string().optional(),
  next_steps: z.array(z.string()),
})

const cursors = cursorCodec(
  'list_checkpoints',
  1,
  z.object({
    agent: z.string().optional(),
    session_key: z.string().optional(),
    among: z.enum(['own', 'others']),
    cursor: z.string().optional(),
  }),
)

/** The tool that shows which checkpoints there are. */
export function listCheckpoints({ scope, random, readOnly }: ToolSurroundings): Tool {
  return defineTool({
    name: 'list_checkpoints',
    title: 'List checkpoints',
    description: [
      'Lists the checkpoints kept of agent sessions, newest first, those of the calling session before all others.',
      'A checkpoint is the exact transcript as it stood before a compaction replaced its older part by a summary.',
      'Use it after a compaction, or when the user refers to something that you no longer see, to find the id to read with get_checkpoint.',
      'Each comes with its id, agent, session, time, reason, token counts and the beginning of the summary.',
    ].join(' '),
    input,
    output,
    annotations: { readOnlyHint: true, destructiveHint: false, idempotentHint: true, openWorldHint: false },
    handler: async ({ cursor, limit, ...filters }, context): Promise<ToolAnswer> => {
      const place = cursor === undefined ? undefined : cursors.decode(cursor)
      if (place !== undefined) agreeWithCursor('list_checkpoints', filters, { agent: place.agent, session_key: place.session_key })
      const { agent, session_key: sessionKey } = place ?? filters
      const page = await scope.list({ agent, sessionKey, limit, place }, context)
      const summaryCharacters = Math.min(200, Math.floor(12_000 / Math.max(1, page.checkpoints.length)))
      const excerpts = page.checkpoints.map(({ summary }) => (summary === undefined ? undefined : oneLine(summary, summaryCharacters)))
      const fence = fenceFor(
        excerpts.filter((excerpt) => excerpt !== undefined),
        random,
      )
      const rows = page.checkpoints.map((checkpoint, index) => {
        const excerpt = excerpts[index]
        return {
          ...checkpointRow(checkpoint, scope.isOwn(checkpoint, context)),
          ...(excerpt === undefined || excerpt === '' ? {} : { summary: fence.around(excerpt) }),
          ...(checkpoint.problem === undefined ? {} : { problem: oneLine(checkpoint.problem, 200) }),
        }
      })
      const next = page.next === undefined ? undefined : cursors.encode({ ...page.next, agent, session_key: sessionKey })
      const steps = nextSteps(rows[0]?.id, next, { filtered: agent !== undefined || sessionKey !== undefined, readOnly })
      const texts = rows.map((row) => [rowText(row), row.summary, row.problem].filter((part) => part !== undefined).join('\n  '))
      return {
        text: [fence.notice, ...texts, fence.reminder, ...steps.map((step) => `Next: ${step}`)].join('\n'),
        structured: {
          notice: fence.notice,
          checkpoints: rows,
          reminder: fence.reminder,
          ...(next === undefined ? {} : { next_cursor: next }),
          next_steps: steps,
        },
      }
    },
  })
}

function nextSteps(
  firstId: string | undefined,
  nextCursor: string | undefined,
  { filtered, readOnly }: { readonly filtered: boolean; readonly readOnly: boolean },
): readonly string[] {
  const more = nextCursor === undefined ? [] : [`list_checkpoints {"cursor":"${nextCursor}"} shows older ones.`]
  if (firstId === undefined && more.length > 0) return more
  if (firstId === undefined) {
    return filtered
      ? ['no checkpoint fits; list_checkpoints {} shows all there are.']
      : ['there are no checkpoints here yet. Compactions that already happened are found by the command `palimpsest scan`; tell the user.']
  }
  const reading = [
    `get_checkpoint {"id":"${firstId}"} reads the first of them from the beginning.`,
    `get_checkpoint {"id":"${firstId}","dropped":true} reads only what its compaction dropped.`,
  ]
  const giving = readOnly ? [] : [`restore_checkpoint {"id":"${firstId}"} makes a new session of it, if the user wants that.`]
  return [...reading, ...giving, ...more]
}
