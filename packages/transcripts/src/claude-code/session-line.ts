import { asName, asRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { fieldsOfObject } from './json-object-bytes.ts'

/** How the lines of a copy differ from those of the session it was made from. */
export interface LineChange {
  /** Stands in every line as its session's id. */
  readonly sessionId: string
  /** The id of the session that the lines come from, for `session_id`, which may also name another one. */
  readonly oldSessionId: string
}

/** A line of another session: the values of its fields `sessionId` and `session_id` are replaced, every other byte stays. A line that doesn't parse stays as it is. */
export function lineOfSession(bytes: Uint8Array, change: LineChange): Uint8Array {
  const { value } = parseLine(bytes)
  if (value === undefined) return bytes
  const lineSessionId = asName(value['sessionId'])
  const isOwn = (id: string | undefined) => id !== undefined && (id === lineSessionId || id === change.oldSessionId)
  const replacesId = lineSessionId !== undefined && lineSessionId !== change.sessionId
  const replacesSnakeId = isOwn(asName(value['session_id'])) && value['session_id'] !== change.sessionId
  if (!replacesId && !replacesSnakeId) return bytes
  const id = new TextEncoder().encode(JSON.stringify(change.sessionId))
  const edits = fieldsOfObject(bytes)
    .fields.filter(({ key }) => (key === 'sessionId' && replacesId) || (key === 'session_id' && replacesSnakeId))
    .map(({ valueStart, valueEnd }) => ({ start: valueStart, end: valueEnd, bytes: id }))
  return spliced(bytes, edits)
}

/**
 * The line with `forkedFrom` as the agent writes it into a fork, behind its `sessionId` (or in place of the one it has): the session it comes from,
 * and its own uuid there. `undefined` for a line that can't carry it.
 */
export function lineForkedFrom(bytes: Uint8Array, parentSessionId: string): Uint8Array | undefined {
  const { value } = parseLine(bytes)
  const uuid = asName(value?.['uuid'])
  if (value === undefined || uuid === undefined || asName(value['sessionId']) === undefined) return undefined
  const json = JSON.stringify({ sessionId: parentSessionId, messageUuid: uuid })
  const { fields } = fieldsOfObject(bytes)
  const old = asRecord(value['forkedFrom']) === undefined ? undefined : fields.findLast(({ key }) => key === 'forkedFrom')
  if (old !== undefined) return spliced(bytes, [{ start: old.valueStart, end: old.valueEnd, bytes: new TextEncoder().encode(json) }])
  const behind = fields.findLast(({ key }) => key === 'sessionId')?.valueEnd
  return behind === undefined
    ? undefined
    : spliced(bytes, [{ start: behind, end: behind, bytes: new TextEncoder().encode(`,"forkedFrom":${json}`) }])
}

function spliced(
  bytes: Uint8Array,
  edits: readonly { readonly start: number; readonly end: number; readonly bytes: Uint8Array }[],
): Uint8Array {
  const result = new Uint8Array(edits.reduce((size, edit) => size + edit.bytes.length - (edit.end - edit.start), bytes.length))
  let from = 0
  let at = 0
  for (const edit of edits) {
    const before = bytes.subarray(from, edit.start)
    result.set(before, at)
    result.set(edit.bytes, at + before.length)
    at += before.length + edit.bytes.length
    from = edit.end
  }
  result.set(bytes.subarray(from), at)
  return result
}
