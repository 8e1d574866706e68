import type { AbortOptions, LineStart, TranscriptSource } from '@palimpsest/core'
import { readLines } from './lines.ts'

/** Whether a line from `from` on has this text in it: a look at the bytes, which spares parsing where nothing is to be found. */
export async function mentions(
  source: TranscriptSource,
  text: string,
  options: AbortOptions & { readonly from?: LineStart | undefined },
): Promise<boolean> {
  for await (const { bytes } of readLines(source, { part: 'main', from: options.from, signal: options.signal })) {
    if (Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).includes(text)) return true
  }
  return false
}
