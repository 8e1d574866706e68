import type { AbortOptions, TranscriptSource } from '@palimpsest/core'

const windowBytes = 1 << 20

/** Many small ranges of a source, mostly ascending: they are cut from reads of 1 MiB. */
export interface SourceWindow {
  /** A view, good for as long as it is held, since a window is never written again. */
  read(start: number, end: number): Promise<Uint8Array>
  /** The same for a range of any length, in pieces of at most 1 MiB. */
  pieces(start: number, end: number): AsyncIterable<Uint8Array>
}

/** A window on a source. */
export function windowOf(source: TranscriptSource, { signal }: AbortOptions): SourceWindow {
  let bytes: Uint8Array = new Uint8Array(0)
  let first = 0
  const read = async (start: number, end: number) => {
    if (start < first || end > first + bytes.length) {
      bytes = await source.read(start, Math.min(Math.max(end, start + windowBytes), source.sizeBytes), { signal })
      first = start
    }
    return bytes.subarray(start - first, end - first)
  }
  return {
    read,
    async *pieces(start, end) {
      for (let at = start; at < end; at += windowBytes) yield await read(at, Math.min(at + windowBytes, end))
    },
  }
}
