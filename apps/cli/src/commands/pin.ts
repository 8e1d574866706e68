import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'

interface PinOptions extends SessionOptions {
  readonly off?: true
}

/** `pin`: exempts a checkpoint from retention, or no longer. */
export const definePin: DefineCommand = (command, invocation) => {
  command
    .description('Exempts a checkpoint from retention; with --off no longer.')
    .argument('<id>', idDescription)
    .option('--off', 'take the pin away')
  addSessionOptions(command)
  command.action(async (id: string, options: PinOptions) => {
    const on = options.off !== true
    const checkpoints = await invocation.checkpoints()
    const checkpoint = await checkpoints.pin(id, { ...withinSession(options, invocation.signal), on })
    await invocation.output.result({ checkpoint }, () => [
      [on ? 'Pinned ' : 'No longer pinned: ', checkpointLine(checkpoint, invocation.context.now())],
    ])
  })
  addExamples(command, [
    ['palimpsest pin latest', 'keep the last one whatever retention says'],
    ['palimpsest pin 3f9a21c7 --off', 'no longer'],
  ])
}
