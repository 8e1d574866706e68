import type { AbortOptions, TranscriptSource } from '@palimpsest/core'

const windowBytes = 1 << 20

/** Many small ranges of a source, mostly ascending: they are cut from reads of 1 MiB. */
export interface SourceWindow {
  /** A view, good until the next read. */
  read(start: number, end: number): Promise<Uint8Array>
  /** Fills `target` with the bytes from `start` on: large ranges without a copy between. */
  fill(target: Uint8Array, start: number): Promise<void>
}

/** A window on a source. */
export function windowOf(source: TranscriptSource, { signal }: AbortOptions): SourceWindow {
  let buffer: Uint8Array = new Uint8Array(0)
  let held = 0
  let first = 0
  const readInto = async (target: Uint8Array, start: number): Promise<void> => {
    if (source.readInto === undefined) target.set(await source.read(start, start + target.length, { signal }))
    else await source.readInto(target, start, { signal })
  }
  const read = async (start: number, end: number): Promise<Uint8Array> => {
    if (start < first || end > first + held) {
      const wanted = Math.min(Math.max(end - start, windowBytes), source.sizeBytes - start)
      if (buffer.length < wanted) buffer = new Uint8Array(wanted)
      held = 0
      await readInto(buffer.subarray(0, wanted), start)
      held = wanted
      first = start
    }
    return buffer.subarray(start - first, end - first)
  }
  return {
    read,
    async fill(target, start) {
      const end = start + target.length
      const isHeld = start >= first && end <= first + held
      if (isHeld || target.length < windowBytes / 4) target.set(await read(start, end))
      else await readInto(target, start)
    },
  }
}
