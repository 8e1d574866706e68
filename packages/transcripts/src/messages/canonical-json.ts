import { CheckpointError } from '@palimpsest/core'
import { asRecord, asString } from '../json-fields.ts'

const maxDepth = 500

/** How values that JSON doesn't know are written: an object with this one key. A plain object that has it is written inside `object`. */
const kindKey = '$value'

/**
 * A value as JSON in which equal values are equal text: keys sorted, nothing between tokens. Beside JSON's own values it holds what messages
 * have in them: bytes, dates, URLs, big integers. What writes itself as JSON (`toJSON`, as the message classes of LangChain have it) is what it
 * writes. A key without a value is left out, as JSON does it. Throws `ARGUMENT_INVALID` for what can't be given back, naming its place.
 */
export function canonicalJson(value: unknown, place: string): string {
  const text = written(value, place, [])
  if (text === undefined) throw invalid(place, 'has no value')
  return text
}

/** The value of JSON that `canonicalJson` wrote and that is parsed already. */
export function revived(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(revived)
  const record = asRecord(value)
  if (record === undefined) return value
  const kind = asString(record[kindKey])
  if (kind === undefined) return Object.fromEntries(Object.entries(record).map(([key, inner]) => [key, revived(inner)]))
  const text = asString(record['is']) ?? ''
  switch (kind) {
    case 'bytes':
      return new Uint8Array(Buffer.from(text, 'base64'))
    case 'date':
      return new Date(text)
    case 'url':
      return new URL(text)
    case 'bigint':
      return BigInt(text)
    case 'object':
      return Object.fromEntries(Object.entries(asRecord(record['is']) ?? {}).map(([key, inner]) => [key, revived(inner)]))
    default:
      return record
  }
}

function written(value: unknown, place: string, above: readonly object[]): string | undefined {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return JSON.stringify(value)
    case 'number':
      if (Number.isFinite(value)) return JSON.stringify(value)
      throw invalid(place, `is ${value}, which JSON does not know`)
    case 'bigint':
      return special('bigint', String(value))
    case 'undefined':
      return undefined
    case 'object':
      return value === null ? 'null' : objectText(value, place, above)
    default:
      throw invalid(place, `is a ${typeof value}`)
  }
}

function objectText(value: object, place: string, above: readonly object[]): string {
  if (above.includes(value)) throw invalid(place, 'contains itself')
  if (above.length > maxDepth) throw invalid(place, `lies more than ${maxDepth} levels deep`)
  const below = [...above, value]
  if (value instanceof Uint8Array) return special('bytes', Buffer.from(value).toString('base64'))
  if (value instanceof Date) return special('date', value.toISOString())
  if (value instanceof URL) return special('url', value.href)
  if (Array.isArray(value)) {
    return `[${value.map((item: unknown, at) => written(item, `${place}[${at}]`, below) ?? refuse(`${place}[${at}]`, 'has no value')).join(',')}]`
  }
  if ('toJSON' in value && typeof value.toJSON === 'function') {
    const plain: unknown = value.toJSON()
    return written(plain, place, below) ?? refuse(place, 'writes itself as nothing')
  }
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null) throw invalid(place, `is a ${value.constructor.name}, not a plain object`)
  const fields = Object.entries(value)
    .sort(([one], [other]) => (one < other ? -1 : 1))
    .flatMap(([key, inner]) => {
      const text = written(inner, `${place}.${key}`, below)
      return text === undefined ? [] : [`${JSON.stringify(key)}:${text}`]
    })
  const text = `{${fields.join(',')}}`
  return kindKey in value ? `{"${kindKey}":"object","is":${text}}` : text
}

function special(kind: string, text: string): string {
  return `{"${kindKey}":"${kind}","is":${JSON.stringify(text)}}`
}

function refuse(place: string, what: string): never {
  throw invalid(place, what)
}

function invalid(place: string, what: string): CheckpointError {
  return new CheckpointError(
    'ARGUMENT_INVALID',
    `${place} ${what}, so it can't be kept and given back. Leave it out, or make it plain data.`,
    {
      argument: place,
    },
  )
}
