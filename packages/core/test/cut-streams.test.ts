import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutStreams } from '../src/cut-streams.ts'
import { type Chunk, emptyLedger, type Ledger, type Stream } from '../src/ledger.ts'
import { chunksOf } from '../src/stream.ts'

/** Chunks of these sizes, each with a name of its own. */
const chunks = (name: string, sizes: readonly number[]): Chunk[] =>
  sizes.map((size, index) => [`${name}${index}`, 0, size, size, 1, `${name}${index}`])

interface Built {
  readonly ledger: Ledger
  readonly segments: ReadonlyMap<string, readonly Chunk[]>
}

/** A part of streams, each of segments and open chunks, on a beginning of an earlier one. */
const anyPart: fc.Arbitrary<Built> = fc
  .array(fc.record({ base: fc.nat(), upTo: fc.nat(), segments: fc.array(sizes(), { maxLength: 2 }), open: sizes(0) }), {
    minLength: 1,
    maxLength: 4,
  })
  .map((shapes) => {
    const segments = new Map<string, readonly Chunk[]>()
    const streams: Stream[] = []
    const ends: number[][] = []
    shapes.forEach((shape, index) => {
      const on = index === 0 ? -1 : (shape.base % (index + 1)) - 1
      const possible = on < 0 ? [] : (ends[on] ?? [])
      const bytes = possible[shape.upTo % Math.max(possible.length, 1)] ?? 0
      const sealed = shape.segments.map((each, at) => {
        const object = `s${index}.${at}`
        const own = chunks(`c${index}.${at}.`, each)
        segments.set(object, own)
        return { object, chunks: own.length, rawBytes: sum(each), storedBytes: sum(each), lines: own.length }
      })
      const own = [...shape.segments.flat(), ...shape.open]
      streams.push({
        ...(bytes === 0 ? {} : { base: { stream: on, bytes, lines: 0 } }),
        segments: sealed,
        open: chunks(`o${index}.`, shape.open),
      })
      let at = bytes
      ends.push([...possible.filter((end) => end <= bytes), ...own.map((size) => (at += size))])
    })
    const ledger = { ...emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' }), parts: { main: { streams } } }
    return { ledger, segments }
  })

function sizes(minLength = 1): fc.Arbitrary<number[]> {
  return fc.array(fc.integer({ min: 1, max: 5 }), { minLength, maxLength: 4 })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0)
}

describe('streams that are cut', () => {
  test('still have every byte that is needed, no whole chunk behind it, and the same places', async () => {
    await fc.assert(
      fc.asyncProperty(anyPart, fc.array(fc.tuple(fc.nat(), fc.nat()), { maxLength: 4 }), async ({ ledger, segments }, wanted) => {
        const load = async (object: string) => segments.get(object) ?? []
        const before = ledger.parts['main']?.streams ?? []
        const needed = new Map<number, number>()
        for (const [stream, bytes] of wanted) {
          const index = stream % before.length
          const end = (await chunksOf(ledger, 'main', index, load)).at(-1)?.end ?? 0
          needed.set(index, Math.max(needed.get(index) ?? 0, bytes % (end + 1)))
        }
        const cut = await cutStreams(ledger, () => needed, load)
        for (const [index, bytes] of needed) {
          const covering = async (of: Ledger) => (await chunksOf(of, 'main', index, load)).filter(({ start }) => start < bytes)
          expect(await covering(cut.ledger)).toEqual(await covering(ledger))
        }
        const after = cut.ledger.parts['main']?.streams ?? []
        if (needed.size === 0) expect(cut.ledger.parts).toEqual({})
        // Again there is nothing to cut.
        const loadAgain = async (object: string) => load(object)
        const unsplit = cut.split.length === 0
        if (unsplit) expect((await cutStreams(cut.ledger, () => needed, loadAgain)).isCut).toBe(false)
        expect(after.length).toBeLessThanOrEqual(before.length)
        for (const [index, stream] of after.entries()) {
          const isBase = after.some((other) => other.base?.stream === index)
          if (needed.has(index) || isBase) expect(stream.base).toEqual(before[index]?.base)
          else expect(stream).toEqual({ segments: [], open: [] })
        }
      }),
    )
  })

  test('stay as they are where it is not known what is needed', async () => {
    const ledger: Ledger = {
      ...emptyLedger({ agent: 'pi', sessionKey: 's', sessionId: 's' }),
      parts: { side: { streams: [{ segments: [], open: chunks('a', [1, 2]) }] } },
    }
    expect(
      await cutStreams(
        ledger,
        () => undefined,
        async () => [],
      ),
    ).toEqual({ ledger, isCut: false, split: [] })
  })
})
