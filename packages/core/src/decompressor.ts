import { createZstdDecompress } from 'node:zlib'
import { freeEnded } from './free-bytes.ts'
import { zlibTurn } from './zlib-turn.ts'

const pieceBytes = 1024 * 1024
const mostIdle = 2
const idleMs = 1000

/**
 * Large frames are decompressed in a few streams that are used over and over. A stream that was used once stays in V8's heap until all of it
 * is collected, with some KB that no quick collection frees: over a thousand chunks the heap grows by them, and the young generation with it.
 */
const idle: Lane[] = []
let closing: NodeJS.Timeout | undefined

interface Lane {
  decompress(frame: Uint8Array, rawBytes: number): Promise<Uint8Array>
  /** Makes it ready for another frame, whatever stood in this one. `false` where it can't be. */
  reset(): boolean
  close(): void
}

/**
 * What a frame of exactly `rawBytes` bytes holds, in a buffer of its own; rejects for any other and for what is no frame. That the bytes are the
 * right ones is for the caller to check.
 */
export async function decompressLarge(frame: Uint8Array, rawBytes: number): Promise<Uint8Array> {
  const lane = idle.pop() ?? createLane()
  try {
    const raw = await lane.decompress(frame, rawBytes)
    if (idle.length < mostIdle && lane.reset()) idle.push(lane)
    else lane.close()
    closeLater()
    return raw
  } catch (error) {
    lane.close()
    throw error
  }
}

/** Streams that nobody needs any more take no memory for long. */
function closeLater(): void {
  if (closing !== undefined) return void closing.refresh()
  closing = setTimeout(() => {
    closing = undefined
    for (const lane of idle.splice(0)) lane.close()
  }, idleMs)
  closing.unref()
}

function createLane(): Lane {
  const context = createZstdDecompress({ chunkSize: pieceBytes })
  let raw = new Uint8Array(0)
  let filled = 0
  context.on('data', (piece: Uint8Array) => {
    if (filled + piece.byteLength <= raw.byteLength) raw.set(piece, filled)
    else context.destroy(new RangeError('The frame holds more than it should.'))
    filled += piece.byteLength
    freeEnded(piece)
  })
  // Met by the frame that is being read.
  context.on('error', () => undefined)
  return {
    async decompress(frame, rawBytes) {
      // Not zeroed: it is given only when all of it was set.
      raw = new Uint8Array(Buffer.allocUnsafeSlow(rawBytes).buffer)
      filled = 0
      await zlibTurn(context, (done, failed) => context.write(frame, (error) => (error ? failed(error) : done())))
      if (filled !== rawBytes) throw new RangeError('The frame holds less than it should.')
      const whole = raw
      raw = new Uint8Array(0)
      return whole
    },
    reset() {
      // Node's types don't know that this stream has what all of zlib's have.
      if (!('reset' in context) || typeof context.reset !== 'function') return false
      context.reset()
      return true
    },
    close: () => context.destroy(),
  }
}
