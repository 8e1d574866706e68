import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { wholeNumber } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { readSummary } from '../summary-file.ts'
import { styled } from '../text.ts'

interface CompleteOptions extends SessionOptions {
  readonly summaryFile?: string
  readonly tokensAfter?: number
  readonly firstKeptEntryId?: string
}

/** `complete`: confirms a pending checkpoint. */
export const defineComplete: DefineCommand = (command, invocation) => {
  command
    .description('Confirms that the compaction of a captured checkpoint happened, and notes what it made of the context.')
    .argument('<id>', idDescription)
    .option('--summary-file <file>', 'the summary; - reads standard input')
    .option('--tokens-after <count>', 'tokens in the context after the compaction', wholeNumber('--tokens-after'))
    .option('--first-kept-entry-id <id>', 'the first entry that is still in the context')
  addSessionOptions(command)
  command.action((id: string, options: CompleteOptions) => complete(invocation, id, options))
  addExamples(command, [
    ['palimpsest complete 3f9a21c7', 'it happened; nothing more is known'],
    ['palimpsest complete 3f9a21c7 --summary-file summary.md --tokens-after 12300', 'with its summary'],
    ['agent-summary | palimpsest complete 3f9a21c7 --summary-file - --json', 'from a program: { checkpoint }'],
  ])
}

async function complete(invocation: Invocation, id: string, options: CompleteOptions): Promise<void> {
  const { summaryFile, tokensAfter, firstKeptEntryId } = options
  const summary = summaryFile === undefined ? undefined : await readSummary(summaryFile, invocation.context)
  const checkpoints = await invocation.checkpoints()
  const completion = {
    ...(summary === undefined ? {} : { summary }),
    ...(tokensAfter === undefined ? {} : { tokensAfter }),
    ...(firstKeptEntryId === undefined ? {} : { firstKeptEntryId }),
  }
  const checkpoint = await checkpoints.complete(id, completion, withinSession(options, invocation.signal))
  await invocation.output.result({ checkpoint }, () => [
    [styled('green', 'Completed '), checkpointLine(checkpoint, invocation.context.now())],
  ])
}
