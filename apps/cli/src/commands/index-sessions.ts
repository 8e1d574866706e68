import type { IndexReport, SearchIndexSize } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { addExamples } from '../help.ts'
import { indexingText } from '../indexing-text.ts'
import type { Invocation } from '../invocation.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { counted, styled, type Text } from '../text.ts'

interface IndexCommandOptions {
  readonly rebuild?: true
}

/** `index`: brings the search index up to date. */
export const defineIndex: DefineCommand = (command, invocation) => {
  command
    .description(
      'Brings the index that search uses up to date, and says how large it is. It is made of what is kept: to delete it loses nothing. scan and search do this by themselves.',
    )
    .option('--rebuild', 'make it anew')
    .action((options: IndexCommandOptions) => index(invocation, options))
  addExamples(command, [
    ['palimpsest index', 'index what is new; interrupted, it goes on from there'],
    ['palimpsest index --rebuild', 'from nothing'],
    ['palimpsest index --json', 'for programs: { indexed, waiting, problems, size }'],
  ])
}

async function index(invocation: Invocation, { rebuild }: IndexCommandOptions): Promise<void> {
  const checkpoints = await invocation.checkpoints()
  const progress = await startProgress(invocation, 'Looking for what is new…')
  const report = await checkpoints
    .index({
      ...(rebuild === undefined ? {} : { rebuild }),
      signal: invocation.signal,
      onProgress: (indexing) => progress.show(indexingText('Indexing', indexing)),
    })
    .finally(() => progress.stop())
  await invocation.output.result(report, () => indexLines(report))
  if (!invocation.json) await invocation.output.note(...indexProblems(report))
}

function indexLines({ indexed, size }: IndexReport & { readonly size: SearchIndexSize }): readonly Text[] {
  const { sessions, entries, sizeBytes, transcriptBytes } = size
  const share =
    transcriptBytes === 0 ? '' : `, ${Math.round((100 * sizeBytes) / transcriptBytes)} % of ${byteSize(transcriptBytes)} of transcripts`
  return [
    indexed === 0 ? 'The index was up to date.' : `${counted(indexed, 'session')} indexed.`,
    styled('bold', `${counted(sessions, 'session')} · ${counted(entries, 'entry', 'entries')} · ${byteSize(sizeBytes)}${share}`),
  ]
}

/** What could not be indexed, a line each, for standard error. */
function indexProblems({ problems }: IndexReport): readonly Text[] {
  return problems.map(({ name, message }): Text => [styled('yellow', 'not indexed:'), ` ${name}: ${message}`])
}
