import type { BranchResult } from '@palimpsest/core'
import { z } from 'zod'
import { shortId } from './checkpoint-row.ts'
import { oneLine } from './plain-text.ts'
import { defineTool, type Tool, type ToolAnswer } from './registry.ts'
import { agentArgument, sessionKeyArgument } from './session-arguments.ts'
import { ToolProblem } from './tool-problem.ts'
import type { ToolSurroundings } from './tool-surroundings.ts'

const input = z.strictObject({
  id: z.string().min(1).max(64).describe('The id that list_checkpoints shows, or "latest", "latest~1", ….'),
  agent: agentArgument.describe('Looks the id up among the sessions of this agent.'),
  session_key: sessionKeyArgument.describe('Looks the id up in this session.'),
  drop_unanswered: z.boolean().default(false).describe('Leaves a last prompt out that was never answered.'),
  in_place: z
    .boolean()
    .default(false)
    .describe("Replaces the session's own file instead of making a new session. Only where the server was started with --allow-restore."),
})

const output = z.object({
  checkpoint_id: z.string(),
  path: z.string().describe('the file of the session'),
  session_id: z.string(),
  resume: z.string().describe('the command that opens it, for a POSIX shell'),
  resume_argv: z.array(z.string()),
  warnings: z.array(z.string()),
  undo: z.string().optional().describe('the checkpoint of what the session was before it was put back'),
  next_steps: z.array(z.string()),
})

/** The tool that gives a session back as it was: as a new session, or where the server allows it in its own file. */
export function restoreCheckpoint({ scope, checkpoints, allowRestore }: ToolSurroundings): Tool {
  return defineTool({
    name: 'restore_checkpoint',
    title: 'Restore a checkpoint',
    description: [
      'Makes a new session of the same agent that stands where the checkpoint did, with the whole context from before the compaction.',
      'The old session is not touched. Gives the path, the session id, the command that opens the new session, and warnings.',
      'It does not change the context of this conversation: to look something up, use get_checkpoint.',
      'Use it only when the user wants to go on from before a compaction, and show the user the command and every warning.',
    ].join(' '),
    input,
    output,
    annotations: { readOnlyHint: false, destructiveHint: allowRestore, idempotentHint: false, openWorldHint: false },
    handler: async ({ id, agent, session_key: sessionKey, drop_unanswered: dropUnanswered, in_place: inPlace }, context) => {
      if (inPlace && !allowRestore) throw inPlaceNotAllowed()
      if (inPlace && dropUnanswered) throw dropUnansweredNeedsBranch()
      const checkpoint = await scope.get(id, { agent, sessionKey }, context)
      const within = { agent: checkpoint.agent, sessionKey: checkpoint.sessionKey, signal: context.signal }
      const service = await checkpoints()
      if (!inPlace) return answer(await service.branch(checkpoint.id, { ...within, dropUnanswered }), undefined)
      const restored = await service.restore(checkpoint.id, within)
      return answer(restored, restored.undo)
    },
  })
}

function answer(result: BranchResult, undo: string | undefined): ToolAnswer {
  const structured = {
    checkpoint_id: shortId(result.checkpoint.id),
    path: oneLine(result.path, 4096),
    session_id: oneLine(result.sessionId, 200),
    resume: oneLine(result.resume, 8192),
    resume_argv: result.resumeArgv.map((argument) => oneLine(argument, 4096)),
    warnings: result.warnings.map((warning) => oneLine(warning, 1000)),
    ...(undo === undefined ? {} : { undo: shortId(undo) }),
    next_steps: nextSteps(undo),
  }
  const lines = [
    undo === undefined
      ? `A new session stands where checkpoint ${structured.checkpoint_id} did; the old one is untouched.`
      : `The session stands again where checkpoint ${structured.checkpoint_id} did.`,
    `Path: ${structured.path}`,
    `Session id: ${structured.session_id}`,
    `Resume: ${structured.resume}`,
    `Resume, as arguments: ${JSON.stringify(structured.resume_argv)}`,
    ...structured.warnings.map((warning) => `Warning: ${warning}`),
    ...(undo === undefined ? [] : [`Undo: checkpoint ${shortId(undo)}`]),
    ...structured.next_steps.map((step) => `Next: ${step}`),
  ]
  return { text: lines.join('\n'), structured }
}

function nextSteps(undo: string | undefined): string[] {
  const shown = 'show the user the command in resume and the warnings; it runs in a terminal, not in this conversation.'
  return undo === undefined ? [shown] : [shown, `restore_checkpoint {"id":"${shortId(undo)}","in_place":true} undoes it.`]
}

function inPlaceNotAllowed(): ToolProblem {
  return new ToolProblem('TARGET_REFUSED', 'This server may not replace a session; nothing was changed.', [
    'restore_checkpoint without in_place makes a new session instead.',
    'to allow in_place, the user starts the server with --allow-restore.',
  ])
}

function dropUnansweredNeedsBranch(): ToolProblem {
  return new ToolProblem('ARGUMENT_INVALID', 'drop_unanswered goes with a new session, not with in_place; nothing was changed.', [
    'leave one of the two out.',
  ])
}
