import { asName, asRecord } from '../json-fields.ts'

/**
 * What a line says beyond its place, for the context: a message that answers a request for a compaction and has ended well (`summarises`), the
 * part that asks for one, with the message from which on it keeps the tail, a message that failed, which the model is not sent, and a part
 * with which an answer begins: one that was cut short and has no other is not sent either.
 */
export type Note =
  | { readonly is: 'message'; readonly summarises?: string | undefined; readonly failed?: 'unless-cut-short' | 'always' | undefined }
  | { readonly is: 'request'; readonly tailStartId?: string | undefined }
  | { readonly is: 'beginning' }

/** A note as an index keeps it. A message without more to say has the shortest. */
export function writeNote(note: Note): string {
  if (note.is === 'beginning') return beginning
  return note.is === 'message' && note.summarises === undefined && note.failed === undefined ? plainMessage : JSON.stringify(note)
}

/** A note from an index. */
export function readNote(text: string | undefined): Note | undefined {
  if (text === undefined) return undefined
  if (text === plainMessage) return { is: 'message' }
  if (text === beginning) return { is: 'beginning' }
  const value = asRecord(JSON.parse(text))
  if (value?.['is'] === 'request') return { is: 'request', tailStartId: asName(value['tailStartId']) }
  const failed = value?.['failed']
  return {
    is: 'message',
    summarises: asName(value?.['summarises']),
    failed: failed === 'always' || failed === 'unless-cut-short' ? failed : undefined,
  }
}

const plainMessage = 'm'
const beginning = 'b'
