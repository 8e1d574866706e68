import { gapLines } from '../diff-text.ts'
import { addExamples } from '../help.ts'
import { wholeNumber } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { styled } from '../text.ts'

interface RecoverOptions extends SessionOptions {
  readonly tokens?: number
}

/** `recover`: the facts that a compaction forgot, as a text for a context. */
export const defineRecover: DefineCommand = (command, invocation) => {
  command
    .description(
      'Prints the facts that a compaction forgot, those that mattered most first, as a cited text to be put back into a context.',
    )
    .argument('<id>', idDescription)
    .option(
      '--tokens <count>',
      'how long it may be, 100 to 100000 tokens, a token being 3 bytes (default: 1500)',
      wholeNumber('--tokens', 100, 100_000),
    )
  addSessionOptions(command)
  command.action(async (id: string, options: RecoverOptions) => {
    const checkpoints = await invocation.checkpoints()
    const maxTokens = options.tokens === undefined ? {} : { maxTokens: options.tokens }
    const recovered = await checkpoints.recover(id, { ...withinSession(options, invocation.signal), ...maxTokens })
    await invocation.output.result(recovered, () => [
      recovered.facts === 0 ? styled('dim', 'Nothing that could be found was forgotten, or nothing fits.') : recovered.text,
    ])
    // Apart from the text, which goes into a context.
    if (!invocation.json) await invocation.output.note(...gapLines(invocation, recovered.gaps))
  })
  addExamples(command, [
    ['palimpsest recover latest', 'what the last compaction forgot, for its agent'],
    ['palimpsest recover latest --tokens 500', 'less of it'],
    ['palimpsest recover latest --json', 'for programs: { checkpointId, text, tokensEstimated, facts, leftOut, gaps }'],
  ])
}
