import { byteCountExpected, durationExpected, type PruneReport, parseByteCount, parseDurationMs } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { notReadable } from '../not-readable.ts'
import { quantity, wholeNumber } from '../option-values.ts'
import type { Block } from '../output.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { counted, styled, type Text } from '../text.ts'

interface PruneOptions {
  readonly dryRun?: true
  readonly maxCheckpoints?: number
  readonly maxAge?: number
  readonly maxBytes?: number
  readonly emptyTrash?: true
}

/** `prune`: applies the retention and frees what nothing needs. */
export const definePrune: DefineCommand = (command, invocation) => {
  command
    .description(
      'Applies the retention of the configuration, empties trash that is older than a day, and deletes what nothing needs any more. Pinned and labelled checkpoints stay.',
    )
    .option('--dry-run', 'say what would go, and do nothing')
    .option('--max-checkpoints <count>', 'keep at most so many of each session, the newest', wholeNumber('--max-checkpoints'))
    .option('--max-age <time>', 'keep none that is older: 90d, 12h, …', quantity('--max-age', parseDurationMs, durationExpected))
    .option(
      '--max-bytes <size>',
      'keep the store below: 10GB, … by evicting whole sessions, the least recently captured first',
      quantity('--max-bytes', parseByteCount, byteCountExpected),
    )
    .option('--empty-trash', 'what is in the trash and what goes there now is gone at once, not after a day')
    .action((options: PruneOptions) => prune(invocation, options))
  addExamples(command, [
    ['palimpsest prune --dry-run', 'what the configured retention would take'],
    ['palimpsest prune --max-age 90d --max-bytes 10GB', 'nothing older than 90 days, and 10 GB at most'],
    ['palimpsest prune --empty-trash', 'free now what was deleted'],
    ['palimpsest prune --json', 'for programs: { sessions, checkpoints, freedBytes, orphanedObjects, … }'],
  ])
}

async function prune(invocation: Invocation, options: PruneOptions): Promise<void> {
  const { configuration, checkpoints } = await invocation.host()
  const { dryRun, maxCheckpoints, maxAge, maxBytes, emptyTrash } = options
  const retention = {
    ...configuration.retention,
    ...(maxCheckpoints === undefined ? {} : { maxCheckpoints }),
    ...(maxAge === undefined ? {} : { maxAgeMs: maxAge }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  }
  const progress = await startProgress(invocation, 'Looking at sessions…')
  const report = await checkpoints
    .prune({
      retention,
      signal: invocation.signal,
      onProgress: ({ sessions, of }) => progress.show(`Pruning… ${sessions} of ${counted(of, 'session')}`),
      ...(dryRun === undefined ? {} : { dryRun }),
      ...(emptyTrash === undefined ? {} : { trashMs: 0 }),
    })
    .finally(() => progress.stop())
  await invocation.output.result(report, () => pruneBlocks(invocation, report, retention.maxBytes))
  if (!invocation.json && report.problems.length > 0) await invocation.output.note(...notReadable(report.problems))
}

function pruneBlocks(invocation: Invocation, report: PruneReport, maxBytes: number | undefined): readonly Block[] {
  const { sessions, dryRun } = report
  const blocks: Block[] = []
  if (sessions.length > 0) {
    blocks.push({
      columns: [
        { title: 'agent' },
        { title: 'session' },
        { title: dryRun ? 'to the trash' : 'trashed', align: 'right' },
        { title: 'for good', align: 'right' },
        { title: 'freed', align: 'right' },
        { title: 'in the trash', align: 'right' },
        { title: '' },
      ],
      rows: sessions.map((session): readonly Text[] => [
        session.agent,
        styled('bold', session.sessionKey),
        count(session.checkpointIds.length),
        count(session.purgedIds.length),
        byteSize(session.freedBytes),
        session.trashBytes === 0 ? '' : byteSize(session.trashBytes),
        session.evicted ? 'evicted' : '',
      ]),
    })
    blocks.push('')
  }
  return [...blocks, ...totals(invocation, report, maxBytes)]
}

function totals(invocation: Invocation, report: PruneReport, maxBytes: number | undefined): readonly Text[] {
  const { checkpoints, purged, freedBytes, trashBytes, orphanedObjects, storedBytes, dryRun } = report
  if (checkpoints + purged + freedBytes === 0 && trashBytes === 0) {
    return [`Nothing to prune: ${byteSize(storedBytes)} stored.`, ...overLimit(report, maxBytes)]
  }
  const facts = [
    checkpoints === 0 ? '' : `${counted(checkpoints, 'checkpoint')} to the trash`,
    purged === 0 ? '' : `${counted(purged, 'checkpoint')} for good`,
    orphanedObjects === 0 ? '' : `${counted(orphanedObjects, 'orphaned object')}`,
    `${byteSize(freedBytes)} ${dryRun ? 'would come back' : 'came back'}`,
    `${byteSize(storedBytes)} stored`,
  ]
  const lines: Text[] = [styled('bold', `${dryRun ? 'Dry run: ' : ''}${facts.filter((fact) => fact !== '').join(' · ')}`)]
  if (trashBytes > 0) {
    const now = invocation.commandLine('prune', '--empty-trash')
    lines.push(
      styled('dim', `${byteSize(trashBytes)} more come back when the trash is a day old and prune runs again, or now with: ${now}`),
    )
  }
  return [...lines, ...overLimit(report, maxBytes)]
}

/** What eviction may not touch can be more than the limit. */
function overLimit({ storedBytes, trashBytes }: PruneReport, maxBytes: number | undefined): readonly Text[] {
  if (maxBytes === undefined || storedBytes - trashBytes <= maxBytes) return []
  return [styled('yellow', `Still over ${byteSize(maxBytes)}: what is left is pinned, labelled, or can't be read.`)]
}

function count(number: number): string {
  return number === 0 ? '' : String(number)
}
