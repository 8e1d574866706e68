import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Chunk, emptyLedger, type Ledger, type Stream } from '../src/ledger.ts'
import { chunksOf, isOnStream, streamEnd, streamsOf, withStream } from '../src/stream.ts'

interface Chains {
  readonly ledger: Ledger
  readonly segments: ReadonlyMap<string, readonly Chunk[]>
}

/** Streams that each begin on an earlier one, at the end of one of its chunks, or on none; some of the chunks in segments. */
const chains: fc.Arbitrary<Chains> = fc
  .array(
    fc.record({
      base: fc.option(fc.record({ stream: fc.nat(), chunk: fc.nat() }), { nil: undefined }),
      segments: fc.array(fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1, maxLength: 3 }), { maxLength: 2 }),
      open: fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 3 }),
    }),
    { minLength: 1, maxLength: 7 },
  )
  .map((wanted) => {
    let ledger = emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' })
    const segments = new Map<string, readonly Chunk[]>()
    const ends: { bytes: number; lines: number }[][] = []
    for (const [index, { base, segments: runs, open }] of wanted.entries()) {
      const parent = base === undefined || index === 0 ? undefined : base.stream % index
      const parentEnds = parent === undefined ? [] : (ends[parent] ?? [])
      const from = base === undefined || parentEnds.length === 0 ? undefined : parentEnds[base.chunk % parentEnds.length]
      const chunk = (rawBytes: number, at: string): Chunk => [`0-${index}`, 0, 1, rawBytes, rawBytes % 3, `digest ${at}`]
      const chunkRuns = runs.map((run, at) => run.map((rawBytes, place) => chunk(rawBytes, `${index} ${at} ${place}`)))
      const stream: Stream = {
        ...(from === undefined || parent === undefined ? {} : { base: { stream: parent, bytes: from.bytes, lines: from.lines } }),
        segments: chunkRuns.map((run, at) => {
          segments.set(`${index}-${at}`, run)
          return {
            object: `${index}-${at}`,
            chunks: run.length,
            rawBytes: sum(run, 3),
            storedBytes: sum(run, 2),
            lines: sum(run, 4),
          }
        }),
        open: open.map((rawBytes, place) => chunk(rawBytes, `${index} open ${place}`)),
      }
      ledger = withStream(ledger, 'main', index, stream)
      const inherited = parentEnds.filter((end) => from !== undefined && end.bytes <= from.bytes)
      let { bytes, lines } = from ?? { bytes: 0, lines: 0 }
      ends.push([
        ...inherited,
        ...[...chunkRuns.flat(), ...stream.open].map(([, , , rawBytes, feeds]) => {
          bytes += rawBytes
          lines += feeds
          return { bytes, lines }
        }),
      ])
    }
    return { ledger, segments }
  })

function sum(chunks: readonly Chunk[], field: 2 | 3 | 4): number {
  return chunks.reduce((total, chunk) => total + chunk[field], 0)
}

const locate = ({ ledger, segments }: Chains, stream: number) =>
  chunksOf(ledger, 'main', stream, async (object) => segments.get(object) ?? [])

describe('the chunks of a stream', () => {
  test('lie one after the other from the first byte to its end, with their line feeds', async () => {
    await fc.assert(
      fc.asyncProperty(chains, async (made) => {
        for (const [index, stream] of streamsOf(made.ledger, 'main').entries()) {
          let bytes = 0
          let lines = 0
          for (const chunk of await locate(made, index)) {
            expect({ start: chunk.start, linesBefore: chunk.linesBefore }).toEqual({ start: bytes, linesBefore: lines })
            bytes = chunk.end
            lines += chunk.lines
          }
          expect({ bytes, lines }).toEqual(streamEnd(stream))
        }
      }),
    )
  })

  test('begin with those of the stream it stands on', async () => {
    await fc.assert(
      fc.asyncProperty(chains, async (made) => {
        for (const [index, { base }] of streamsOf(made.ledger, 'main').entries()) {
          if (base === undefined) continue
          const below = (await locate(made, base.stream)).filter((chunk) => chunk.end <= base.bytes)
          expect((await locate(made, index)).slice(0, below.length)).toEqual(below)
        }
      }),
    )
  })

  test('of a ledger whose streams stand on each other in a circle end', async () => {
    let ledger = emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' })
    const stream = (base: number): Stream => ({
      base: { stream: base, bytes: 5, lines: 1 },
      segments: [],
      open: [['0-a', 0, 1, 5, 1, 'd']],
    })
    ledger = withStream(withStream(ledger, 'main', 0, stream(1)), 'main', 1, stream(0))
    expect(await chunksOf(ledger, 'main', 1, async () => [])).toBeInstanceOf(Array)
    expect(await chunksOf(ledger, 'main', 9, async () => [])).toEqual([])
    expect(await chunksOf(ledger, 'none', 0, async () => [])).toEqual([])
  })
})

test('a position is on a stream exactly when both have the same chunks up to it', async () => {
  await fc.assert(
    fc.asyncProperty(chains, fc.nat(), async (made, at) => {
      const streams = streamsOf(made.ledger, 'main')
      const upTo = async (stream: number, bytes: number): Promise<string> =>
        JSON.stringify((await locate(made, stream)).filter((chunk) => chunk.start < bytes).map(({ digest, start }) => [digest, start]))
      for (const [stream, { base }] of streams.entries()) {
        const end = streamEnd(streams[stream] ?? { segments: [], open: [] }).bytes
        if (end === 0) continue
        const bytes = 1 + (at % end)
        for (const outer of streams.keys()) {
          const reaches = streamEnd(streams[outer] ?? { segments: [], open: [] }).bytes >= bytes
          const isSame = reaches && (await upTo(stream, bytes)) === (await upTo(outer, bytes))
          expect(isOnStream(made.ledger, 'main', { stream, bytes }, outer), `${stream}@${bytes} (base ${base?.bytes}) on ${outer}`).toBe(
            isSame,
          )
        }
      }
    }),
  )
})
