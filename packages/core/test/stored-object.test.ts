import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { compress, decompress } from '../src/compression.ts'
import { wholeFrame } from '../src/compressor.ts'
import { sha256 } from '../src/digest.ts'
import { CheckpointError } from '../src/errors.ts'
import { packChunks, packDocument, unpackDocument } from '../src/stored-object.ts'

const any = z.unknown()
const value = { id: 'c', summary: 'was\ngesagt \u{1f5dd}', parts: [{ name: 'main', bytes: 2 ** 40 }] }

describe('a document object', () => {
  test('comes back as any JSON that it was', async () => {
    await fc.assert(
      fc.asyncProperty(fc.jsonValue({ noUnicodeString: false }), async (json) => {
        const bytes = await packDocument('record', 'sessions/x', 'pi', json)
        expect(await unpackDocument('k', 'record', bytes, any)).toEqual(JSON.parse(JSON.stringify(json)))
      }),
      { numRuns: 50 },
    )
  })

  test('with any bit of it flipped is an error or the same value, never another value', async () => {
    const bytes = await packDocument('record', 'sessions/x', 'pi', value)
    let same = 0
    for (let at = 0; at < bytes.byteLength; at += 1) {
      for (const bit of [1 << (at % 8), 1 << ((at + 3) % 8)]) {
        const flipped = bytes.slice()
        flipped[at] = (bytes[at] ?? 0) ^ bit
        const outcome = await outcomeOf(flipped)
        if (outcome === 'FORMAT_UNSUPPORTED' || outcome === 'CHECKPOINT_CORRUPT') continue
        expect(outcome, `byte ${at}, bit ${bit}`).toEqual(value)
        same += 1
      }
    }
    // Only names in the header, which mean nothing to a reader, may be other ones.
    expect(same).toBeLessThan(40)
  })

  test('that is cut off anywhere is corrupt', async () => {
    const bytes = await packDocument('record', 'sessions/x', 'pi', value)
    const outcomes = new Set(await Promise.all(Array.from(bytes, (_, end) => outcomeOf(bytes.subarray(0, end)))))
    expect([...outcomes]).toEqual(['CHECKPOINT_CORRUPT'])
  })

  test('of another kind, or of another shape, is corrupt', async () => {
    await expect(unpackDocument('k', 'page', await packDocument('record', 's', 'pi', value), any)).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      details: { key: 'k', problem: 'unreadable' },
    })
    await expect(unpackDocument('k', 'record', await packDocument('record', 's', 'pi', value), z.array(any))).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
    })
  })

  test('of a newer format is unsupported, whatever else it holds', async () => {
    const newer = Buffer.from(`${JSON.stringify({ palimpsest: 2, kind: 'record', session: 's' })}\nanything`)
    await expect(unpackDocument('k', 'record', newer, any)).rejects.toMatchObject({
      code: 'FORMAT_UNSUPPORTED',
      details: { found: 2, supported: 1 },
      message: expect.stringContaining('Upgrade'),
    })
  })

  test('whose frame would grow beyond what its header says is corrupt, and is not unpacked', async () => {
    const json = Buffer.from(JSON.stringify('x'.repeat(2 ** 24)))
    const head = { palimpsest: 1, kind: 'record', session: 's', agent: 'pi', rawBytes: 10, digest: sha256(json) }
    const bomb = Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), await compress(json)])
    await expect(unpackDocument('k', 'record', bomb, any)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
  })

  test('of any bytes is corrupt', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
        expect(await outcomeOf(bytes)).toBe('CHECKPOINT_CORRUPT')
      }),
    )
  })
})

test('an object of chunks holds each frame where its offset says', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.uint8Array({ minLength: 1, maxLength: 200 }), { maxLength: 6 }), async (raws) => {
      const frames = await Promise.all(raws.map(compress))
      const { bytes, offsets } = packChunks(
        'sessions/x',
        raws.map((raw, index) => ({
          part: 'main',
          stream: 0,
          firstByte: 0,
          rawBytes: raw.byteLength,
          lines: 0,
          digest: sha256(raw),
          frame: wholeFrame(frames[index] ?? new Uint8Array()),
        })),
      )
      for (const [index, raw] of raws.entries()) {
        const start = offsets[index] ?? 0
        const frame = bytes.subarray(start, start + (frames[index]?.byteLength ?? 0))
        expect(Buffer.compare(await decompress(frame, raw.byteLength), raw)).toBe(0)
      }
    }),
  )
})

async function outcomeOf(bytes: Uint8Array): Promise<unknown> {
  try {
    return await unpackDocument('k', 'record', bytes, any)
  } catch (error) {
    return error instanceof CheckpointError ? error.code : error
  }
}
