import { checkpointDetails } from '../checkpoint-details.ts'
import { addExamples } from '../help.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { shortId } from '../short-id.ts'
import { styled } from '../text.ts'

/** `show`: one checkpoint. */
export const defineShow: DefineCommand = (command, invocation) => {
  command.description('Shows all that is known of a checkpoint.').argument('<id>', idDescription)
  addSessionOptions(command)
  command.action(async (id: string, options: SessionOptions) => {
    const checkpoints = await invocation.checkpoints()
    const checkpoint = await checkpoints.get(id, withinSession(options, invocation.signal))
    await invocation.output.result({ checkpoint }, () => [
      ...checkpointDetails(checkpoint, invocation.context.now()),
      '',
      [styled('dim', 'Read it:      '), invocation.commandLine('read', shortId(checkpoint.id))],
      [styled('dim', 'Go on there:  '), invocation.commandLine('branch', shortId(checkpoint.id))],
    ])
  })
  addExamples(command, [
    ['palimpsest show latest', 'the newest compaction of all sessions'],
    ['palimpsest show latest~1 --session-key KEY', 'the one before it in a session'],
    ['palimpsest show 3f9a21c7 --json', 'by the end of its id, for programs: { checkpoint }'],
  ])
}
