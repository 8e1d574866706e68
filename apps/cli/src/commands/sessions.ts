import { resolve } from 'node:path'
import type { SessionPage } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { nextPage } from '../next-page.ts'
import { notReadable } from '../not-readable.ts'
import { pageLimit } from '../option-values.ts'
import type { Block } from '../output.ts'
import { timeAgo } from '../point-in-time.ts'
import type { DefineCommand } from '../program.ts'
import type { Table } from '../table.ts'
import { shortenedPath, styled } from '../text.ts'

interface SessionsOptions {
  readonly agent?: string
  readonly cwd?: string
  readonly limit?: number
  readonly cursor?: string
}

/** `sessions`: a page of sessions that have checkpoints, the one with the newest first. */
export const defineSessions: DefineCommand = (command, invocation) => {
  command
    .description('Lists the sessions that have checkpoints, the one with the newest first.')
    .option('--agent <agent>', 'of this agent alone')
    .option('--cwd <folder>', 'in this project folder alone')
    .option('--limit <count>', 'how many a page holds, 1 to 1000 (default: 50)', pageLimit)
    .option('--cursor <cursor>', 'the next page, as the page before says')
    .action((options: SessionsOptions) => sessions(invocation, options))
  addExamples(command, [
    ['palimpsest sessions', 'all of them'],
    ['palimpsest sessions --agent claude-code --json', 'of one agent, for programs: { sessions, nextCursor, problems }'],
  ])
}

async function sessions(invocation: Invocation, options: SessionsOptions): Promise<void> {
  const { cwd, ...query } = options
  const folder = cwd === undefined ? {} : { cwd: resolve(invocation.context.cwd, cwd) }
  const checkpoints = await invocation.checkpoints()
  const page = await checkpoints.sessions({ ...query, ...folder, signal: invocation.signal })
  await invocation.output.result(page, () => blocks(invocation, options, page))
  if (!invocation.json && page.problems.length > 0) {
    await invocation.output.note(...notReadable(page.problems))
  }
}

function blocks(invocation: Invocation, options: SessionsOptions, page: SessionPage): readonly Block[] {
  const { cursor, limit, ...filters } = options
  if (page.sessions.length === 0) {
    if (cursor !== undefined) return ['No more sessions.']
    if (Object.keys(filters).length > 0) return [`No session matches. All of them: ${invocation.commandLine('sessions')}`]
    return [`No sessions yet. Run: ${invocation.commandLine('scan')}`]
  }
  return [sessionTable(page, invocation.context.now()), ...nextPage(invocation, 'sessions', { ...options }, page.nextCursor)]
}

function sessionTable(page: SessionPage, now: number): Table {
  return {
    columns: [
      { title: 'agent' },
      { title: 'project' },
      // Whole, since --session-key takes nothing else.
      { title: 'session' },
      { title: 'checkpoints', align: 'right' },
      { title: 'newest' },
      { title: 'bytes', align: 'right' },
      { title: 'stored', align: 'right' },
    ],
    rows: page.sessions.map((session) => [
      session.agent,
      shortenedPath(session.cwd ?? '', 40),
      styled('bold', session.sessionKey),
      String(session.checkpointCount),
      timeAgo(session.newestAt, now),
      byteSize(session.rawBytes),
      byteSize(session.storedBytes),
    ]),
  }
}
