import { freeBytes } from './free-bytes.ts'

/** Chunks that stay while they are read: the next one is on its way meanwhile. */
const keptChunks = 3

/** The raw bytes of chunks, read mostly forwards in slices that don't end where chunks do. */
export interface ChunkWindow {
  /** Calls `use` with a chunk's bytes, which are good until it returns. `undefined` where there is no such chunk. */
  use<Result>(index: number, use: (raw: Uint8Array) => Result): Promise<Result | undefined>
}

interface KeptChunk {
  readonly index: number
  readonly raw: Promise<Uint8Array>
  users: number
  isDropped: boolean
}

/** A window on `count` chunks. What `read` gives is this window's alone: its memory is given back when no one uses it any more. */
export function chunkWindow(count: number, read: (index: number) => Promise<Uint8Array>): ChunkWindow {
  const kept: KeptChunk[] = []
  let latest = -1
  const freeUnused = (chunk: KeptChunk) => {
    if (chunk.isDropped && chunk.users === 0) void chunk.raw.then(freeBytes, () => undefined)
  }
  const begin = (index: number): KeptChunk | undefined => {
    const found = kept.find((chunk) => chunk.index === index)
    if (found !== undefined || index < 0 || index >= count) return found
    const raw = read(index)
    // Damage ahead is met where the chunk is asked for; until then it must not count as unhandled.
    raw.catch(() => undefined)
    const chunk: KeptChunk = { index, raw, users: 0, isDropped: false }
    kept.push(chunk)
    for (const dropped of kept.splice(0, kept.length - keptChunks)) {
      dropped.isDropped = true
      freeUnused(dropped)
    }
    return chunk
  }
  return {
    async use(index, use) {
      const isNext = index === latest + 1
      latest = index
      const chunk = begin(index)
      if (chunk === undefined) return undefined
      chunk.users += 1
      if (isNext) begin(index + 1)
      try {
        return use(await chunk.raw)
      } finally {
        chunk.users -= 1
        freeUnused(chunk)
      }
    },
  }
}
