import { addExamples } from '../help.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { shortId } from '../short-id.ts'

/** `abandon`: takes a pending checkpoint back. */
export const defineAbandon: DefineCommand = (command, invocation) => {
  command
    .description('Takes a captured checkpoint back whose compaction did not happen. Refused once it is complete.')
    .argument('<id>', idDescription)
  addSessionOptions(command)
  command.action(async (id: string, options: SessionOptions) => {
    const within = withinSession(options, invocation.signal)
    const checkpoints = await invocation.checkpoints()
    // First by whole id, so that what is taken back is what is named afterwards.
    const { id: abandoned } = await checkpoints.get(id, within)
    await checkpoints.abandon(abandoned, within)
    await invocation.output.result({ abandoned }, () => [`Abandoned ${shortId(abandoned)}.`])
  })
  addExamples(command, [
    ['palimpsest abandon 3f9a21c7', 'the compaction failed'],
    ['palimpsest abandon 3f9a21c7 --json', 'for programs: { abandoned }'],
  ])
}
