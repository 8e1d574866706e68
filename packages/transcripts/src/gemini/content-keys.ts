import { createHash } from 'node:crypto'
import { asName, asString, type JsonRecord } from '../json-fields.ts'
import { callsOf, partsOf, responsesOf } from './format.ts'

/**
 * What a message is known by where it has a new id: first what it says and calls, or whose results it carries; then, for one with tool calls
 * beside its content, the results that the client makes a message of. Results are told by the ids of their calls, since a compaction may cut
 * what they say.
 */
export function contentKeys(value: JsonRecord): readonly string[] {
  const responses = responsesOf(value)
  if (responses.length > 0) return [`results ${idsOf(responses)}`]
  const texts = partsOf(value).flatMap((part) => (part['thought'] === true ? [] : (asString(part['text']) ?? [])))
  const calls = callsOf(value)
  if (texts.length === 0 && calls.length === 0) return []
  const says = createHash('sha256')
    .update(`${asString(value['type'])}\n${idsOf(calls)}\n${texts.join('')}`)
    .digest('base64url')
  return Array.isArray(value['toolCalls']) && calls.length > 0 ? [says, `results ${idsOf(calls)}`] : [says]
}

function idsOf(calls: readonly JsonRecord[]): string {
  return calls.map((call) => asName(call['id']) ?? asName(call['name']) ?? '').join(' ')
}
