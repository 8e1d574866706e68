import { constants, createZstdCompress, type ZstdCompress } from 'node:zlib'
import { freeEnded } from './free-bytes.ts'
import { zlibTurn } from './zlib-turn.ts'

// Level 3 with tables of half the size: they stay in a core's own cache, which takes a seventh of the time for 1.4 % more bytes. No chunk is longer
// than the window, which is half of what the level takes: its memory counts for V8, which collects all the sooner.
const parameters = {
  [constants.ZSTD_c_compressionLevel]: 3,
  [constants.ZSTD_c_windowLog]: 20,
  [constants.ZSTD_c_hashLog]: 15,
  [constants.ZSTD_c_chainLog]: 14,
}
const pieceBytes = 64 * 1024

/** A zstd frame in the pieces in which it was made. */
export interface Frame {
  readonly sizeBytes: number
  readonly pieces: readonly Uint8Array[]
}

/** A frame that is in one piece. */
export function wholeFrame(bytes: Uint8Array): Frame {
  return { sizeBytes: bytes.byteLength, pieces: [bytes] }
}

/** Gives the memory of a frame back at once, instead of when it is collected; its pieces are empty afterwards. */
export function freeFrame(frame: Frame): void {
  for (const piece of frame.pieces) freeEnded(piece)
}

/** Compresses in the thread pool, with a few contexts that are used over and over: making one costs as much as 200 KB of work. */
export interface Compressor {
  /** How many frames are made at once. */
  readonly lanes: number
  /** One frame. `bytes` must stay as they are until then. Rejects once the compressor is closed. */
  compress(bytes: Uint8Array): Promise<Frame>
  /** Gives the contexts back; they are made anew when they are needed. */
  close(): void
}

/** A compressor of `lanes` contexts, none of which is made yet. */
export function createCompressor(lanes: number): Compressor {
  const open = new Map<number, Lane>()
  let turn = 0
  return {
    lanes,
    compress(bytes) {
      turn = (turn + 1) % lanes
      const lane = open.get(turn) ?? createLane()
      open.set(turn, lane)
      return lane.compress(bytes)
    },
    close() {
      for (const lane of open.values()) lane.close()
      open.clear()
    },
  }
}

interface Lane {
  compress(bytes: Uint8Array): Promise<Frame>
  close(): void
}

/** One context; what is given to it is done in order. */
function createLane(): Lane {
  const context = createZstdCompress({ chunkSize: pieceBytes, params: parameters })
  let pieces: Uint8Array[] = []
  let previous: Promise<unknown> = Promise.resolve()
  context.on('data', (piece: Uint8Array) => pieces.push(piece))
  // Met by the frame that is being made.
  context.on('error', () => undefined)
  return {
    compress(bytes) {
      const frame = previous.then(async () => {
        pieces = []
        await compressWith(context, bytes)
        return { sizeBytes: pieces.reduce((sum, piece) => sum + piece.byteLength, 0), pieces }
      })
      previous = frame.catch(() => undefined)
      return frame
    },
    close: () => context.destroy(),
  }
}

/** Writes bytes and ends the frame: its last piece has been handed over when this resolves. */
function compressWith(context: ZstdCompress, bytes: Uint8Array): Promise<void> {
  return zlibTurn(context, (done, failed) => {
    context.write(bytes, (error) => (error ? failed(error) : undefined))
    context.flush(constants.ZSTD_e_end, done)
  })
}
