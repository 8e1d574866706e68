import type { IndexingProgress } from '@palimpsest/core'
import { byteSize } from './byte-size.ts'
import { counted } from './text.ts'

/** How far indexing has come, for a line of progress; of a long session, how far in it. */
export function indexingText(doing: string, { done, total, session }: IndexingProgress): string {
  const within = session === undefined ? '' : ` · ${byteSize(session.doneBytes)} of ${byteSize(session.totalBytes)} of this one`
  return `${doing}… ${done} of ${counted(total, 'session')}${within}`
}
