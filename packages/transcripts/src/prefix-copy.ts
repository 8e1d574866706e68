import { type AbortOptions, type BadLine, CheckpointError, type IndexedEntry, type TranscriptSource } from '@palimpsest/core'
import { readLines } from './lines.ts'

const pieceBytes = 1 << 20
const lineFeed = Uint8Array.of(0x0a)

/**
 * Where a copy of the main part ends that stands at a leaf: before the first line behind the leaf that moves it, which is the end of the part
 * where none does. Throws `TRANSCRIPT_MALFORMED` when no entry that can be a leaf has the id.
 */
export async function prefixEnd(
  structure: AsyncIterable<readonly (IndexedEntry | BadLine)[]>,
  options: { readonly leafId: string; readonly sizeBytes: number; readonly path?: string | undefined },
): Promise<number> {
  let isBehindLeaf = false
  for await (const batch of structure) {
    for (const line of batch) {
      if (line.kind === 'bad' || line.leafId === undefined) continue
      if (isBehindLeaf) return line.start
      isBehindLeaf = line.id === options.leafId
    }
  }
  if (isBehindLeaf) return options.sizeBytes
  throw new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `No entry of the session has the id ${options.leafId}, so that no session can stand there. Choose the id of one of its entries.`,
    options.path === undefined ? {} : { path: options.path },
  )
}

/**
 * The lines before the byte `end`, each as `change` gives it (the bytes it is given may be given back), the last one ended by a line feed. A
 * line too long to be parsed is copied as it is.
 */
export async function* changedLines(
  source: TranscriptSource,
  options: AbortOptions & { readonly end: number; readonly change: (bytes: Uint8Array, line: number) => Uint8Array },
): AsyncGenerator<Uint8Array, void, undefined> {
  const { end, change, signal } = options
  let isEnded = true
  for await (const { place, bytes } of readLines(source, { part: 'main', signal })) {
    if (place.start >= end) break
    if (bytes.length === place.end - place.start) {
      const changed = change(bytes, place.line)
      isEnded = changed.at(-1) === lineFeed[0]
      yield changed
      continue
    }
    for (let at = place.start; at < place.end; at += pieceBytes) {
      const piece = await source.read(at, Math.min(at + pieceBytes, place.end), { signal })
      isEnded = piece.at(-1) === lineFeed[0]
      yield piece
    }
  }
  if (!isEnded) yield lineFeed
}
