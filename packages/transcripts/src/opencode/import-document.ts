import { asCount, asName, asNumber, asRecord, type JsonRecord } from '../json-fields.ts'
import { jsonOf } from './entries.ts'
import { type Lineage, withLineage } from './lineage.ts'

/** A piece of a document: the session, a message, a part of the message before it. */
export type DocumentRow =
  | { readonly type: 'session'; readonly info: JsonRecord }
  | { readonly type: 'message'; readonly info: JsonRecord }
  | { readonly type: 'part'; readonly part: JsonRecord }

/**
 * The document that `opencode import` reads, `{ info, messages: [{ info, parts }] }`, with line feeds where JSON allows them: each row has a
 * line of its own, and the brackets between rows stand at the ends of lines. So it is read as a transcript too.
 */
export async function* documentLines(rows: AsyncIterable<DocumentRow>): AsyncGenerator<string, void, undefined> {
  let last: DocumentRow['type'] | undefined
  let waiting = ''
  for await (const row of rows) {
    if (last !== undefined) yield `${waiting}${between(last, row.type)}\n`
    waiting = opened(row)
    last = row.type
  }
  if (last !== undefined) yield `${waiting}${last === 'session' ? ']}' : ']}]}'}\n`
}

function opened(row: DocumentRow): string {
  switch (row.type) {
    case 'session':
      return `{"info":${JSON.stringify(row.info)},"messages":[`
    case 'message':
      return `{"info":${JSON.stringify(row.info)},"parts":[`
    case 'part':
      return JSON.stringify(row.part)
    default:
      return row satisfies never
  }
}

function between(last: DocumentRow['type'], next: DocumentRow['type']): string {
  if (last === 'session') return ''
  if (next === 'message') return ']},'
  return last === 'part' ? ',' : ''
}

/**
 * A session's `info` from what is known of it: its own row, the file it had in the JSON store, or the header alone. What belongs to the old
 * session alone is left out: a share, a parent, what was taken back. The project is what `opencode import` says it is.
 */
export function sessionInfo(
  known: { readonly header: JsonRecord; readonly session: JsonRecord | undefined },
  renewed: {
    readonly sessionId: string
    readonly createdAt: number
    readonly name?: string | undefined
    readonly lineage?: Lineage | undefined
  },
): JsonRecord {
  const info = known.session === undefined ? {} : 'time_created' in known.session ? infoOfRow(known.session) : known.session
  const {
    share: _share,
    parentID: _parentId,
    revert: _revert,
    workspaceID: _workspaceId,
    ...kept
  } = { ...infoOfHeader(known.header), ...info }
  const { sessionId, createdAt, name, lineage } = renewed
  const metadata = lineage === undefined ? asRecord(kept['metadata']) : withLineage(asRecord(kept['metadata']), lineage)
  return {
    ...kept,
    id: sessionId,
    slug: asName(kept['slug']) ?? sessionId,
    projectID: asName(kept['projectID']) ?? 'global',
    directory: asName(kept['directory']) ?? '/',
    title: name ?? asName(kept['title']) ?? 'Branch of a session',
    version: asName(kept['version']) ?? '1.18.33',
    ...(metadata === undefined ? {} : { metadata }),
    time: { created: createdAt, updated: createdAt },
  }
}

/** The header of a snapshot, or a document's first line, which has the names of an `info` already. */
function infoOfHeader(header: JsonRecord): JsonRecord {
  if (header['type'] === undefined) return header
  const { slug, directory, version } = header
  return { slug, directory, version }
}

/** OpenCode's own `fromRow`. */
function infoOfRow(row: JsonRecord): JsonRecord {
  const additions = asCount(row['summary_additions'])
  const deletions = asCount(row['summary_deletions'])
  const files = asCount(row['summary_files'])
  return withoutAbsent({
    slug: row['slug'],
    projectID: row['project_id'],
    directory: row['directory'],
    path: row['path'],
    title: row['title'],
    agent: row['agent'],
    model: parsed(row['model']),
    version: row['version'],
    summary:
      additions === undefined && deletions === undefined && files === undefined
        ? undefined
        : { additions: additions ?? 0, deletions: deletions ?? 0, files: files ?? 0 },
    cost: asNumber(row['cost']) ?? 0,
    tokens: {
      input: asCount(row['tokens_input']) ?? 0,
      output: asCount(row['tokens_output']) ?? 0,
      reasoning: asCount(row['tokens_reasoning']) ?? 0,
      cache: { read: asCount(row['tokens_cache_read']) ?? 0, write: asCount(row['tokens_cache_write']) ?? 0 },
    },
    permission: parsed(row['permission']),
    metadata: parsed(row['metadata']),
  })
}

function parsed(value: unknown): unknown {
  return typeof value === 'string' ? jsonOf(value) : value
}

function withoutAbsent(record: JsonRecord): JsonRecord {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => value !== undefined))
}
