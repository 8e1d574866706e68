import { type FactCategory, factCategories } from '@palimpsest/core'
import { Option } from 'commander'
import { betweenBlocks, diffBlocks } from '../diff-text.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { oneOf, pageLimit, refuseTogether } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'

interface DiffOptions extends SessionOptions {
  readonly category?: FactCategory
  readonly limit?: number
}

/** `diff`: what a compaction forgot, or what came and went between two checkpoints. */
export const defineDiff: DefineCommand = (command, invocation) => {
  command
    .description('Shows what a compaction kept, dropped and forgot; with two checkpoints, what came and went between them.')
    .argument('<id>', idDescription)
    .argument('[id2]', 'a second checkpoint, to compare the first with')
    .addOption(
      new Option('--category <category>', `only facts of one category: ${factCategories.join(', ')}`).argParser(
        oneOf('--category', factCategories),
      ),
    )
    .option('--limit <count>', 'how many facts, or entries, are shown, 1 to 1000', pageLimit)
  addSessionOptions(command)
  command.action((id: string, otherId: string | undefined, options: DiffOptions) =>
    otherId === undefined ? diff(invocation, id, options) : between(invocation, id, otherId, options),
  )
  addExamples(command, [
    ['palimpsest diff latest', 'what the last compaction forgot'],
    ['palimpsest diff latest --category error', 'all error lines that are gone'],
    ['palimpsest diff latest~1 latest --session-key KEY', 'what came and went between two compactions'],
    ['palimpsest diff latest --json', 'for programs: { kept, dropped, summarised, categories, forgotten, survived, … }'],
  ])
}

async function diff(invocation: Invocation, id: string, options: DiffOptions): Promise<void> {
  const { category, limit } = options
  const checkpoints = await invocation.checkpoints()
  const result = await checkpoints.diff(id, {
    ...withinSession(options, invocation.signal),
    ...(category === undefined ? {} : { category }),
    ...(limit === undefined ? {} : { limit }),
  })
  const all = category !== undefined || limit !== undefined
  await invocation.output.result(result, () => diffBlocks(invocation, result, { all }))
}

async function between(invocation: Invocation, id: string, otherId: string, options: DiffOptions): Promise<void> {
  const { category, limit } = options
  if (category !== undefined) refuseTogether('--category', ['a second id'], 'facts are looked for in what one compaction dropped.')
  const checkpoints = await invocation.checkpoints()
  const query = { ...withinSession(options, invocation.signal), ...(limit === undefined ? {} : { limit }) }
  const result = await checkpoints.diff(id, otherId, query)
  await invocation.output.result(result, () => betweenBlocks(invocation, result))
}
