import { asCount, asName, asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'

/** What the header of a snapshot says it is. */
export const headerType = 'opencode-session'

/** The sidecar with the session's own row, which changes with every turn. */
export const sessionPart = 'session.json'

/** The sidecar with what changes in rows that are long written: one line a row, by id. */
export const changingPart = 'changing.jsonl'

/**
 * One line of a session: a row of OpenCode's store, or the same row as it stands in a document that `opencode import` reads. `data` is what
 * OpenCode keeps in it as JSON, without the ids; `undefined` where that is no JSON object.
 */
export type Row =
  | { readonly type: 'session'; readonly id: string; readonly columns: JsonRecord }
  | { readonly type: 'message'; readonly id: string; readonly createdAt: number | undefined; readonly data: JsonRecord | undefined }
  | {
      readonly type: 'part'
      readonly id: string
      readonly messageId: string
      readonly createdAt: number | undefined
      readonly data: JsonRecord | undefined
    }

/** A row, an object that is none, or why the line is neither. */
export type ParsedRow =
  | { readonly row: Row; readonly value: JsonRecord }
  | { readonly value: JsonRecord; readonly row?: undefined }
  | { readonly problem: string }

/** Reads a line of a snapshot or of an import document. Never throws. */
export function parseRow(bytes: Uint8Array): ParsedRow {
  const { value, problem } = parseLine(bytes)
  if (value !== undefined) {
    const row = snapshotRow(value)
    return row === undefined ? { value } : { row, value }
  }
  return documentRow(bytes) ?? { problem }
}

function snapshotRow(value: JsonRecord): Row | undefined {
  const id = asName(value['id'])
  if (id === undefined) return undefined
  const createdAt = asCount(value['time_created'])
  const data = asRecord(value['data'])
  switch (value['type']) {
    case headerType:
      return { type: 'session', id, columns: value }
    case 'message':
      return { type: 'message', id, createdAt, data }
    case 'part': {
      const messageId = asName(value['message_id'])
      return messageId === undefined ? undefined : { type: 'part', id, messageId, createdAt, data }
    }
    default:
      return undefined
  }
}

/** The beginning of the first line of an import document, before the session's id. */
const documentStart = '{"info":'

/** `import-document.ts` writes a row a line, the brackets around it at its ends: they are put right here, and the line parsed again. */
function documentRow(bytes: Uint8Array): { readonly row: Row; readonly value: JsonRecord } | undefined {
  const text = new TextDecoder().decode(bytes).trim()
  if (text.startsWith(documentStart)) {
    const info = infoOf(text)
    const id = asName(info?.['id'])
    if (info === undefined || id === undefined) return undefined
    const { id: _id, sessionID, ...data } = info
    if (sessionID === undefined) return { row: { type: 'session', id, columns: info }, value: info }
    return { row: { type: 'message', id, createdAt: asCount(asRecord(info['time'])?.['created']), data }, value: info }
  }
  const value = objectBefore(text, closings)
  const id = asName(value?.['id'])
  const messageId = asName(value?.['messageID'])
  if (value === undefined || id === undefined || messageId === undefined) return undefined
  const { id: _id, sessionID: _sessionId, messageID: _messageId, ...data } = value
  return { row: { type: 'part', id, messageId, createdAt: undefined, data }, value }
}

const closings = ['', ',', ']},', ']}', ']}]}']
const infoClosings = [',"messages":[', ',"messages":[]}', ',"parts":[', ',"parts":[]},', ',"parts":[]}]}']

function infoOf(text: string): JsonRecord | undefined {
  return objectBefore(text.slice(documentStart.length), infoClosings)
}

/** The object before one of the endings. Only one of them can leave a whole object. */
function objectBefore(text: string, endings: readonly string[]): JsonRecord | undefined {
  for (const ending of endings) {
    if (!text.endsWith(ending)) continue
    const { value } = parseLine(Buffer.from(text.slice(0, text.length - ending.length)))
    if (value !== undefined) return value
  }
  return undefined
}
