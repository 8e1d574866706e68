import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'

/** `label`: names a checkpoint, or takes its name away. */
export const defineLabel: DefineCommand = (command, invocation) => {
  command
    .description('Names a checkpoint. Labelled checkpoints are exempt from retention. Without text the label is removed.')
    .argument('<id>', idDescription)
    .argument('[text]', 'the label')
  addSessionOptions(command)
  command.action(async (id: string, text: string | undefined, options: SessionOptions) => {
    const checkpoints = await invocation.checkpoints()
    const label = text === undefined ? {} : { text }
    const checkpoint = await checkpoints.label(id, { ...withinSession(options, invocation.signal), ...label })
    const done = checkpoint.label === undefined ? 'No label any more: ' : `Labelled ${JSON.stringify(checkpoint.label)}: `
    await invocation.output.result({ checkpoint }, () => [[done, checkpointLine(checkpoint, invocation.context.now())]])
  })
  addExamples(command, [
    ['palimpsest label latest "before the refactoring"', 'name it'],
    ['palimpsest label 3f9a21c7', 'take its name away'],
  ])
}
