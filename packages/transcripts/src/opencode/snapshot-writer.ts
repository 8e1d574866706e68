import { asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { changingPart, headerType, sessionPart } from './row.ts'
import { createSpool, type Spool } from './spool.ts'

/** A row as it is stored: its columns, those aside that a snapshot writes otherwise, and its JSON. */
export interface StoredRow {
  readonly id: string
  readonly columns: JsonRecord
  /** Text where it is no JSON object. */
  readonly data: JsonRecord | string
  readonly updatedAt?: number | undefined
}

/** A message with its parts, in the order in which OpenCode reads them. */
export interface StoredMessage {
  readonly message: StoredRow
  readonly parts: readonly StoredRow[]
}

/** All rows of a session. */
export interface StoredSession {
  /** What never changes of its own row. */
  readonly header: JsonRecord & { readonly id: string }
  /** The content of `session.json`. */
  readonly changing: JsonRecord
  /** By the time they were created, then by id, as OpenCode orders them. */
  readonly messages: AsyncIterable<StoredMessage> | Iterable<StoredMessage>
  /** Rows of other tables, kept as they are; by part name. */
  readonly others?: ReadonlyMap<string, Iterable<JsonRecord>> | undefined
}

/** The parts of a snapshot, each in a spool that the caller closes. */
export interface SnapshotParts {
  readonly parts: readonly { readonly name: string; readonly spool: Spool }[]
  close(): Promise<void>
}

/**
 * The canonical export of a session: the same rows always give the same bytes, and a turn more appends to them. `main` has one line a row, a
 * header first, each message before its parts; what OpenCode changes in rows that are long written (the time of the last update, the summary
 * of a prompt's changes, the mark of a tool result that was pruned) is in `changing.jsonl`, and the session's own row in `session.json`.
 *
 * A compaction that is under way is left out, from its request on: a snapshot that is taken in a hook ends exactly where the compaction begins.
 */
export async function writeSnapshot(session: StoredSession): Promise<SnapshotParts> {
  const main = createSpool()
  const changing = createSpool()
  const own = createSpool()
  const parts = [
    { name: 'main', spool: main },
    { name: sessionPart, spool: own },
    { name: changingPart, spool: changing },
  ]
  const close = async () => {
    for (const { spool } of parts) await spool.close()
  }
  try {
    await main.write(line({ type: headerType, format: 1, ...session.header }))
    await own.write(line(session.changing))
    let held: StoredMessage[] = []
    for await (const message of session.messages) {
      held.push(message)
      if (isUnderWay(held)) continue
      for (const written of held) await writeMessage(written, main, changing)
      held = []
    }
    for (const [name, rows] of session.others ?? []) {
      const spool = createSpool()
      parts.push({ name, spool })
      for (const row of rows) await spool.write(line(row))
    }
    return { parts, close }
  } catch (error) {
    await close()
    throw error
  }
}

/** Whether messages begin with a compaction that nothing shows to be over: no answer behind its request has ended, well or not. */
function isUnderWay([request, ...later]: readonly StoredMessage[]): boolean {
  if (request === undefined || !request.parts.some(({ data }) => asRecord(data)?.['type'] === 'compaction')) return false
  return !later.some(({ message }) => {
    const data = asRecord(message.data)
    return data?.['role'] === 'assistant' && (data['finish'] !== undefined || data['error'] !== undefined)
  })
}

async function writeMessage({ message, parts }: StoredMessage, main: Spool, changing: Spool): Promise<void> {
  await writeRow('message', message, main, changing)
  for (const part of parts) await writeRow('part', part, main, changing)
}

async function writeRow(
  type: 'message' | 'part',
  { id, columns, data, updatedAt }: StoredRow,
  main: Spool,
  changing: Spool,
): Promise<void> {
  const { still, moving } = typeof data === 'string' ? { still: data, moving: {} } : split(type, data)
  await main.write(line({ type, id, ...columns, data: still }))
  await changing.write(line({ id, ...(updatedAt === undefined ? {} : { time_updated: updatedAt }), ...moving }))
}

/** What stays of a row's JSON once it is written, and what doesn't. The order of keys is that of the row: tool arguments are sent in it. */
function split(type: 'message' | 'part', data: JsonRecord): { readonly still: JsonRecord; readonly moving: JsonRecord } {
  if (type === 'message' && data['role'] === 'user') {
    const { summary, ...still } = data
    return { still, moving: summary === undefined ? {} : { summary } }
  }
  const state = asRecord(data['state'])
  const time = asRecord(state?.['time'])
  if (type === 'message' || state === undefined || time?.['compacted'] === undefined) return { still: data, moving: {} }
  const { compacted, ...stillTime } = time
  return { still: { ...data, state: { ...state, time: stillTime } }, moving: { compacted } }
}

/** A row's JSON from its text, or the text where it holds no object. */
export function dataOf(text: unknown): JsonRecord | string {
  if (typeof text !== 'string') return asRecord(text) ?? String(text)
  try {
    return asRecord(JSON.parse(text)) ?? text
  } catch {
    return text
  }
}

/** The header of a session from its row or its file, whichever names they have there. */
export function headerOf(
  id: string,
  session: {
    readonly slug: unknown
    readonly parentId: unknown
    readonly directory: unknown
    readonly version: unknown
    readonly created: unknown
  },
): JsonRecord & { readonly id: string } {
  const parentId = asName(session.parentId)
  return {
    id,
    slug: session.slug,
    ...(parentId === undefined ? {} : { parent_id: parentId }),
    directory: session.directory,
    version: session.version,
    time_created: session.created,
  }
}

function line(value: JsonRecord): Uint8Array {
  return Buffer.from(`${JSON.stringify(value)}\n`)
}
