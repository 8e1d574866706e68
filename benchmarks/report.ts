import { cpus, release, totalmem } from 'node:os'
import { type CaseResult, type GrowthTable, isMissed, type Row } from './result.ts'
import { digits } from './statistics.ts'

/** What came out of a case, and under which load. */
export interface Finished extends CaseResult {
  readonly name: string
  /** The load average of the last minute when it began and when it ended. */
  readonly load: readonly [number, number]
  readonly seconds: number
  /** Whether it was measured again because a bar had been missed. */
  readonly again: boolean
  /** When the run began that measured it, of how many runs these are the medians, and of which build. */
  readonly startedAt: string
  readonly runs: number
  readonly build: string
}

/** One of the words that end a row of the table. */
function verdict(row: Row): 'met' | 'MISSED' | 'FAILED' | 'skipped' | 'no bar' {
  if ('failed' in row) return 'FAILED'
  if ('skipped' in row) return 'skipped'
  if (row.bar === undefined) return 'no bar'
  return isMissed(row) ? 'MISSED' : 'met'
}

/** The results as a page of Markdown. */
export function markdown(finished: readonly Finished[]): string {
  const notes = finished.flatMap(({ rows }) =>
    rows.flatMap((row) => ('note' in row && row.note !== undefined ? [`- ${row.what}: ${row.note}.`] : [])),
  )
  return [
    '# Results',
    '',
    `Node ${process.versions.node}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}, ${digits(totalmem() / 1024 ** 3)} GiB, ${process.platform} ${release()}.`,
    'Medians [least..most]; ours and peer in turn, each in a process of its own. When each case was measured, and under which load, stands below.',
    'Written by `pnpm bench`; README.md says how to read it.',
    '',
    ...table(rowsTable(finished)),
    '',
    ...(notes.length === 0 ? [] : [...notes, '']),
    ...finished.flatMap(({ tables }) => (tables ?? []).flatMap((growth) => [`## ${growth.title}`, '', ...table(growth), ''])),
    '## When, and under which load',
    '',
    ...table({
      title: '',
      columns: ['case', 'measured', 'build', 'runs', 'load before', 'load after', 'seconds', ''],
      rows: finished.map(({ name, load, seconds, again, startedAt, build, runs }) => [
        name,
        startedAt,
        build,
        String(runs),
        load[0].toFixed(2),
        load[1].toFixed(2),
        digits(seconds),
        again ? 'measured twice' : '',
      ]),
    }),
    '',
  ].join('\n')
}

/** The rows of one case, for people who wait. */
export function caseText({ rows, tables }: CaseResult): string {
  const lines = rows.map((row) => `${verdict(row).padEnd(8)}${cells(row).filter(Boolean).join(' | ')}`)
  for (const growth of tables ?? []) lines.push(growth.title, ...table(growth))
  return lines.join('\n')
}

function rowsTable(finished: readonly Finished[]): GrowthTable {
  return {
    title: '',
    columns: ['what', 'ours', 'peer', 'reached', 'bar', ''],
    rows: finished.flatMap(({ rows }) => rows.map((row) => [...cells(row), verdict(row)])),
  }
}

function cells(row: Row): readonly string[] {
  if ('failed' in row) return [row.what, row.failed.split('\n')[0] ?? '', '', '', '']
  if ('skipped' in row) return [row.what, `not measured: ${row.skipped}`, '', '', '']
  const { what, ours, peer, value, unit, bar } = row
  const wanted = bar === undefined ? '' : 'atLeast' in bar ? `≥ ${bar.atLeast}` : `≤ ${bar.atMost}`
  return [what, ours, peer, `${digits(value)} ${unit}`, wanted]
}

function table({ columns, rows }: GrowthTable): readonly string[] {
  const line = (words: readonly string[]): string => `| ${words.join(' | ')} |`
  return [line(columns), line(columns.map(() => '---')), ...rows.map(line)]
}
