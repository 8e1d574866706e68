import { idSet } from '../id-set.ts'
import { asName, asRecord } from '../json-fields.ts'

/** Gives messages the ids of their entries, in their order. */
export interface MessageIds {
  /** Of the message in the `line`th line. */
  next(message: unknown, line: number): string
}

/** The rule for ids: the message's own, `<id>@L<line>` where it is repeated, `L<line>` where there is none. */
export function messageIds(): MessageIds {
  const seen = idSet()
  return {
    next(message, line) {
      const own = ownId(message)
      if (own === undefined || /^L\d+$|@L\d+$/.test(own)) return `L${line}`
      return seen.add(own) ? own : `${own}@L${line}`
    },
  }
}

/** LangChain keeps a message's fields in `kwargs` or `data`; there, `id` beside them is the name of its class. */
function ownId(message: unknown): string | undefined {
  const record = asRecord(message)
  const inner = asRecord(record?.['kwargs']) ?? asRecord(record?.['data'])
  return asName(inner?.['id']) ?? asName(record?.['id'])
}
