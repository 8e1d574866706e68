import type { SearchHit, SearchPage } from '@palimpsest/core'
import type { Invocation } from './invocation.ts'
import { nextPage } from './next-page.ts'
import type { Block } from './output.ts'
import { timeAgo } from './point-in-time.ts'
import { shortId } from './short-id.ts'
import { counted, shortened, styled, type Text } from './text.ts'

/** What was asked, for the line that says how to see the next page. */
interface Asked {
  readonly words: readonly string[]
  readonly options: Readonly<Record<string, string | number | undefined>>
}

/** Hits for people: where each stands, what it says, and the command that reads around it. */
export function searchBlocks(invocation: Invocation, { words, options }: Asked, page: SearchPage): readonly Block[] {
  if (page.hits.length === 0) return ['No more hits.']
  const { cursor: _cursor, ...filters } = options
  return [
    ...page.hits.flatMap((hit) => [...hitLines(invocation, hit), '']).slice(0, -1),
    ...nextPage(invocation, 'search', filters, page.nextCursor, words),
  ]
}

/** A query that found nothing is no error; it says what to try. */
export async function nothingFound(invocation: Invocation, page: SearchPage): Promise<readonly Block[]> {
  const checkpoints = await invocation.checkpoints()
  const { checkpoints: anyOf } = await checkpoints.list({ limit: 1, signal: invocation.signal })
  if (anyOf.length === 0) return [`Nothing is kept yet. Run: ${invocation.commandLine('scan')}`]
  return [
    page.waiting === 0 ? 'Nothing found.' : 'Nothing found so far.',
    'Try fewer words, other words, or a part of a name; a phrase in quotes is found only as it stands.',
    `Sessions that are not kept yet: ${invocation.commandLine('scan')} · an index that seems wrong: ${invocation.commandLine('index', '--rebuild')}`,
  ]
}

/** What was not looked into, for standard error. */
export function searchNotes(invocation: Invocation, { waiting, problems }: SearchPage): readonly Text[] {
  return [
    ...(waiting === 0
      ? []
      : [
          [
            styled('yellow', 'noted:'),
            ` ${counted(waiting, 'session')} ${waiting === 1 ? 'is' : 'are'} not wholly indexed yet, and what is missing was not looked into. To index all: ${invocation.commandLine('index')}`,
          ],
        ]),
    ...problems.map(({ name, message }): Text => [styled('yellow', 'noted:'), ` ${name}: ${message}`]),
  ]
}

function hitLines(invocation: Invocation, hit: SearchHit): readonly Text[] {
  const { checkpointId, agent, sessionKey, entryId, part, role, kind, tool, createdAt, dropped, duplicates } = hit
  const who = tool === undefined ? (role ?? kind) : `${role ?? kind} ${shortened(tool, 40)}`
  const facts = [
    agent,
    `session ${shortened(sessionKey, 36)}`,
    createdAt === undefined ? undefined : timeAgo(createdAt, invocation.context.now()),
    who,
    part === 'main' ? undefined : `in ${shortened(part, 60)}`,
    `entry ${shortened(entryId, 60)}`,
  ].filter((fact) => fact !== undefined)
  return [
    [
      styled('bold', shortId(checkpointId)),
      styled('dim', ` · ${facts.join(' · ')} · `),
      dropped ? styled('cyan', 'dropped') : styled('dim', 'kept'),
      duplicates === undefined ? '' : styled('dim', ` · and ${counted(duplicates, 'entry', 'entries')} alike`),
    ],
    ['  ', ...markedSnippet(hit)],
    [styled('dim', `  ${readingCommand(invocation, hit)}`)],
  ]
}

/** The snippet in pieces, the matches in a style of their own. */
function markedSnippet({ snippet, marks }: SearchHit): readonly Text[] {
  const pieces: Text[] = []
  let at = 0
  for (const [start, end] of marks) {
    pieces.push(snippet.slice(at, start), styled('yellow', snippet.slice(start, end)))
    at = end
  }
  return [...pieces, snippet.slice(at)]
}

/** Of a part that is plain text many lines are one hit: they are read from the first on. */
function readingCommand(invocation: Invocation, { checkpointId, entryId, part, line }: SearchHit): string {
  const sidecar = part === 'main' ? [] : ['--part', part]
  const isText = part !== 'main' && !part.endsWith('.jsonl')
  const place = isText ? ['--from', String(line), '--limit', '1000'] : ['--around', entryId]
  return invocation.commandLine('read', shortId(checkpointId), ...sidecar, ...place)
}
