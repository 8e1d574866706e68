import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, type SessionOptions, withinSession } from '../session-options.ts'
import { styled } from '../text.ts'

/** `undelete`: takes a checkpoint out of the trash. */
export const defineUndelete: DefineCommand = (command, invocation) => {
  command
    .description('Takes a checkpoint out of the trash, within a day.')
    .argument('<id>', 'checkpoint id, or its last 6 or more characters')
  addSessionOptions(command)
  command.action(async (id: string, options: SessionOptions) => {
    const checkpoints = await invocation.checkpoints()
    const checkpoint = await checkpoints.undelete(id, withinSession(options, invocation.signal))
    await invocation.output.result({ checkpoint }, () => [
      [styled('green', 'Taken back '), checkpointLine(checkpoint, invocation.context.now())],
    ])
  })
  addExamples(command, [
    ['palimpsest undelete 3f9a21c7', 'by the end of its id'],
    ['palimpsest undelete 3f9a21c7 --json', 'for programs: { checkpoint }'],
  ])
}
