import { lstat, readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { CheckpointError, isCheckpointError } from '@palimpsest/core'
import { addExamples } from '../help.ts'
import { replaceFile } from '../install/replace-file.ts'
import type { Invocation } from '../invocation.ts'
import { pointInTime } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { pageBeginning, reportPage } from '../report-page.ts'
import { problemLines, reportBlocks } from '../report-text.ts'
import { counted, styled } from '../text.ts'

interface ReportOptions {
  readonly agent?: string
  readonly sessionKey?: string
  readonly cwd?: string
  readonly before?: number
  readonly after?: number
  readonly html?: string
}

/** `report`: what compactions lose, over all checkpoints. */
export const defineReport: DefineCommand = (command, invocation) => {
  command
    .description('Shows what compactions lose, by agent and kind of fact, over all checkpoints.')
    .option('--agent <agent>', 'of this agent alone')
    .option('--session-key <key>', 'of this session alone')
    .option('--cwd <folder>', 'of sessions in this project folder alone')
    .option('--before <time>', 'made before (an ISO date, or milliseconds since the epoch)', pointInTime('--before'))
    .option('--after <time>', 'made after', pointInTime('--after'))
    .option('--html <file>', 'write it as a page of its own, too; only an older report is replaced')
    .action((options: ReportOptions) => report(invocation, options))
  addExamples(command, [
    ['palimpsest report', 'over everything that is kept'],
    ['palimpsest report --agent claude-code --after 2026-08-01', 'of one agent, since a day'],
    ['palimpsest report --html losses.html', 'as a page to show'],
    ['palimpsest report --json', 'for programs: { total, agents, forgottenMost, skipped, problems, problemCount }'],
  ])
}

async function report(invocation: Invocation, options: ReportOptions): Promise<void> {
  const { cwd, html, ...query } = options
  const { context, signal } = invocation
  const file = html === undefined ? undefined : resolve(context.cwd, html)
  if (file !== undefined) await refuseOther(file)
  const folder = cwd === undefined ? {} : { cwd: resolve(context.cwd, cwd) }
  const checkpoints = await invocation.checkpoints()
  const progress = await startProgress(invocation, 'Looking for compactions…')
  const found = await checkpoints
    .report({ ...query, ...folder, signal, onProgress: ({ compared }) => progress.show(`Comparing… ${counted(compared, 'compaction')}`) })
    .finally(() => progress.stop())
  if (file !== undefined) await writePage(file, reportPage(found, context.now()))
  await invocation.output.result(found, () => {
    if (found.total.compactions === 0) return [`No completed compactions. Run: ${invocation.commandLine('scan')}`, ...problemLines(found)]
    return reportBlocks(found)
  })
  if (file !== undefined && !invocation.json) await invocation.output.note([styled('green', 'Written: '), file])
}

/** Nothing but an older report is replaced: throws `TARGET_REFUSED` for any other file, and for what is no file. */
async function refuseOther(file: string): Promise<void> {
  try {
    if (!(await lstat(file)).isFile()) throw refused(file, 'exists and is no report')
    if ((await readFile(file, 'utf8')).startsWith(pageBeginning)) return
  } catch (error) {
    if (isCheckpointError(error)) throw error
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return
    throw refused(file, 'can’t be written', error)
  }
  throw refused(file, 'exists and is no report')
}

async function writePage(file: string, page: string): Promise<void> {
  try {
    await replaceFile(file, page, 0o600)
  } catch (error) {
    throw refused(file, 'can’t be written', error)
  }
}

function refused(file: string, why: string, cause?: unknown): CheckpointError<'TARGET_REFUSED'> {
  return new CheckpointError('TARGET_REFUSED', `${file} ${why}: choose another file.`, { path: file }, { cause })
}
