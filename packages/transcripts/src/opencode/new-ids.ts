import { createHash } from 'node:crypto'

/** OpenCode's ids: `msg_`, `prt_`, twelve hex digits of the time, which order them, and then anything. */
const ordered = /^([a-z]+_[0-9a-f]{12})/
const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
const sequenceDigits = 5

/** Gives rows ids that nobody in the database has, in the order of the old ones, since OpenCode orders by them. */
export interface NewIds {
  /** The new id of a row; the same each time. */
  of(oldId: string): string
}

/** The ids of a session. They follow from its id, so that writing it twice writes the same. */
export function newIds(sessionId: string): NewIds {
  const given = new Map<string, string>()
  return {
    of(oldId) {
      const known = given.get(oldId)
      if (known !== undefined) return known
      const beginning = ordered.exec(oldId)?.[1] ?? `${oldId.split('_')[0] ?? 'msg'}_000000000000`
      const hash = createHash('sha256').update(`${sessionId} ${oldId}`).digest()
      const tail = [...hash.subarray(0, 9)].map((byte) => digits[byte % digits.length]).join('')
      const id = `${beginning}${sequence(given.size)}${tail}`
      given.set(oldId, id)
      return id
    },
  }
}

/** A number in digits that sort as it does. */
function sequence(number: number): string {
  let text = ''
  for (let rest = number; text.length < sequenceDigits; rest = Math.floor(rest / digits.length))
    text = `${digits[rest % digits.length]}${text}`
  return text
}
