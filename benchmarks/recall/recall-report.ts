import { digits, mebibytes } from '../statistics.ts'
import { isMissedBar, type RecallBar } from './bars.ts'
import type { EngineName, IndexCost } from './engine.ts'
import type { HitRate } from './scoring.ts'
import type { TaskName, TaskResult } from './task-result.ts'

/** Everything that a run found out. */
export interface RecallReport {
  /** Of names and bytes of all files that were read. */
  readonly corpusHash: string
  readonly corpus: { readonly files: number; readonly sizeBytes: number; readonly sessions: number; readonly unreadFiles: number }
  readonly index: readonly ({ readonly engine: EngineName; readonly of: string } & IndexCost)[]
  readonly results: readonly TaskResult[]
  readonly bars: readonly RecallBar[]
  readonly splitBy: Readonly<Partial<Record<TaskName, 'session' | 'turn'>>>
  readonly notRun: readonly { readonly what: string; readonly why: string }[]
}

/** The report as a page of Markdown. */
export function recallMarkdown(report: RecallReport): string {
  const { corpus, corpusHash, splitBy } = report
  const splits = Object.entries(splitBy).map(([task, by]) => `${task} by ${by}`)
  return [
    '# Recall',
    '',
    `Corpus ${corpusHash}: ${corpus.sessions} sessions in ${corpus.files} files, ${digits(mebibytes(corpus.sizeBytes))} MiB; ${corpus.unreadFiles} files that look like sessions could not be read.`,
    `Split by hash: ${splits.join(', ') || 'nothing'}. Shares in percent [Wilson's 95 % interval].`,
    '',
    ...table(
      ['task', 'engine', 'half', 'n', 'hit@1', 'hit@5', 'hit@20', 'MRR', 'session hit@1', 'hit@5', 'MRR', 'p50 ms', 'p95 ms'],
      report.results.map(resultCells),
    ),
    '',
    ...table(
      ['index', 'engine', 'seconds', 'MiB', 'of transcripts'],
      report.index.map(({ of, engine, ms, sizeBytes, transcriptBytes }) => [
        of,
        engine,
        digits(ms / 1000),
        digits(mebibytes(sizeBytes)),
        `${digits((sizeBytes / transcriptBytes) * 100)} %`,
      ]),
    ),
    '',
    ...table(
      ['bar', 'reached', 'wanted', ''],
      report.bars.map((bar) => [
        bar.what,
        percent(bar.value),
        `${bar.is === 'above' ? '>' : '≥'} ${percent(bar.bar)}`,
        isMissedBar(bar) ? 'MISSED' : 'met',
      ]),
    ),
    '',
    ...report.notRun.map(({ what, why }) => `not run: ${what} (${why})`),
    '',
  ].join('\n')
}

function resultCells({
  task,
  kind,
  engine,
  split,
  queries,
  entry,
  entryMrr,
  session,
  sessionMrr,
  p50Ms,
  p95Ms,
}: TaskResult): readonly string[] {
  return [
    kind === undefined ? task : `${task}, ${kind}`,
    engine,
    split,
    String(queries),
    ...entry.map(rateText),
    entryMrr.toFixed(3),
    ...session.slice(0, 2).map(rateText),
    sessionMrr.toFixed(3),
    digits(p50Ms),
    digits(p95Ms),
  ]
}

function rateText({ share, interval }: HitRate): string {
  return `${percent(share)} [${percent(interval.low)}..${percent(interval.high)}]`
}

function percent(share: number): string {
  return (share * 100).toFixed(1)
}

function table(columns: readonly string[], rows: readonly (readonly string[])[]): readonly string[] {
  const line = (words: readonly string[]): string => `| ${words.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)]
}
