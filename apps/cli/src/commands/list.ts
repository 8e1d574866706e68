import { resolve } from 'node:path'
import type { CheckpointPage } from '@palimpsest/core'
import { checkpointTable } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { nextPage } from '../next-page.ts'
import { notReadable } from '../not-readable.ts'
import { pageLimit, pointInTime } from '../option-values.ts'
import type { Block } from '../output.ts'
import type { DefineCommand } from '../program.ts'

interface ListOptions {
  readonly agent?: string
  readonly sessionKey?: string
  readonly cwd?: string
  readonly before?: number
  readonly after?: number
  readonly limit?: number
  readonly cursor?: string
}

/** `list`: a page of checkpoints, newest first. */
export const defineList: DefineCommand = (command, invocation) => {
  command
    .description('Lists checkpoints, newest first.')
    .option('--agent <agent>', 'of this agent alone')
    .option('--session-key <key>', 'of this session alone')
    .option('--cwd <folder>', 'of sessions in this project folder alone')
    .option('--before <time>', 'made before (an ISO date, or milliseconds since the epoch)', pointInTime('--before'))
    .option('--after <time>', 'made after', pointInTime('--after'))
    .option('--limit <count>', 'how many a page holds, 1 to 1000 (default: 50)', pageLimit)
    .option('--cursor <cursor>', 'the next page, as the page before says')
    .action((options: ListOptions) => list(invocation, options))
  addExamples(command, [
    ['palimpsest list', 'the newest checkpoints of all sessions'],
    ['palimpsest list --agent pi --limit 5', 'five of one agent'],
    ['palimpsest list --cwd . --after 2026-08-01', 'of this project, since a day'],
    ['palimpsest list --json', 'for programs: { checkpoints, nextCursor, problems }'],
  ])
}

async function list(invocation: Invocation, options: ListOptions): Promise<void> {
  const { cwd, ...query } = options
  const folder = cwd === undefined ? {} : { cwd: resolve(invocation.context.cwd, cwd) }
  const checkpoints = await invocation.checkpoints()
  const page = await checkpoints.list({ ...query, ...folder, signal: invocation.signal })
  await invocation.output.result(page, () => blocks(invocation, options, page))
  if (!invocation.json && page.problems.length > 0) await invocation.output.note(...notReadable(page.problems))
}

function blocks(invocation: Invocation, options: ListOptions, page: CheckpointPage): readonly Block[] {
  const { cursor, limit, ...filters } = options
  if (page.checkpoints.length === 0) {
    if (cursor !== undefined) return ['No more checkpoints.']
    if (Object.keys(filters).length > 0) return [`No checkpoint matches. All of them: ${invocation.commandLine('list')}`]
    return [`No checkpoints yet. Run: ${invocation.commandLine('scan')}`]
  }
  return [checkpointTable(page.checkpoints, invocation.context.now()), ...nextPage(invocation, 'list', { ...options }, page.nextCursor)]
}
