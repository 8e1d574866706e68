import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { PlacedChunk } from '../src/findings.ts'
import { type Chain, chainTo, holds, streamsFrom } from '../src/rebuild-streams.ts'

/** A chunk of a text: its digest is the text, so that chunks agree as their texts do. */
function chunk(stream: number, firstByte: number, text: string): PlacedChunk {
  return { part: 'main', stream, firstByte, chunk: [`${stream}-${firstByte}-${text}`, 0, text.length, text.length, 1, text] }
}

const agree = async (one: PlacedChunk, other: PlacedChunk, end: number) => {
  const [left, right] = [one.chunk[5], other.chunk[5]]
  const length = Math.min(left.length, right.length, end - one.firstByte)
  return left.slice(0, length) === right.slice(0, length)
}

const textOf = ({ chunks }: Chain) => chunks.map(({ chunk: [, , , , , text] }) => text).join('')

describe('chunks that are put together again', () => {
  test('follow the stream that their writer believed in, and those that it began with', async () => {
    const chunks = [chunk(0, 0, 'aaa'), chunk(0, 3, 'bbb'), chunk(1, 3, 'ccc'), chunk(1, 6, 'ddd')]
    expect(textOf(await chainTo(chunks, 0, 6, agree))).toBe('aaabbb')
    expect(textOf(await chainTo(chunks, 1, 9, agree))).toBe('aaacccddd')
  })

  test('pass over what leads nowhere: left by a writer that lost a race', async () => {
    const chunks = [chunk(0, 0, 'aaa'), chunk(0, 3, 'bb'), chunk(0, 3, 'bbb'), chunk(0, 6, 'ccc')]
    expect(textOf(await chainTo(chunks, 0, 9, agree))).toBe('aaabbbccc')
  })

  test('end where two fit equally well and say something else: nothing is guessed', async () => {
    const chunks = [chunk(0, 0, 'aaa'), chunk(0, 3, 'bbb'), chunk(0, 3, 'xxx')]
    expect(await chainTo(chunks, 0, 6, agree)).toMatchObject({ endBytes: 3 })
    expect(textOf(await chainTo([...chunks, chunk(0, 6, 'ccc')], 0, 9, agree))).toBe('aaa')
  })

  test('go as far as there is something', async () => {
    expect(await chainTo([chunk(0, 0, 'aaa'), chunk(0, 5, 'ccc')], 0, 8, agree)).toMatchObject({ endBytes: 3 })
    expect(await chainTo([], 0, 8, agree)).toEqual({ chunks: [], endBytes: 0 })
  })

  test('hold a position that they reach, with as many lines as can be before it', async () => {
    const chain = await chainTo([chunk(0, 0, 'aaa'), chunk(0, 3, 'bbb')], 0, 6, agree)
    expect([holds(chain, { bytes: 6, lines: 2 }), holds(chain, { bytes: 4, lines: 1 }), holds(chain, { bytes: 0, lines: 0 })]).toEqual([
      true,
      true,
      true,
    ])
    expect([holds(chain, { bytes: 7, lines: 2 }), holds(chain, { bytes: 3, lines: 2 })]).toEqual([false, false])
  })

  test('of any order and with copies among them are the text again', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.stringMatching(/^[ab]{1,4}$/), { minLength: 1, maxLength: 8 }),
        fc.infiniteStream(fc.nat()),
        async (texts, order) => {
          let at = 0
          const chunks = texts.map((text) => {
            at += text.length
            return chunk(0, at - text.length, text)
          })
          const shuffled = [...chunks, ...chunks]
            .map((each) => ({ each, key: order.next().value }))
            .sort((one, other) => one.key - other.key)
          const chain = await chainTo(
            shuffled.map(({ each }) => each),
            0,
            at,
            agree,
          )
          expect([textOf(chain), chain.endBytes]).toEqual([texts.join(''), at])
        },
      ),
    )
  })

  test('become streams that begin with what they share', async () => {
    const chunks = [chunk(0, 0, 'aaa'), chunk(0, 3, 'bbb'), chunk(2, 3, 'ccc')]
    const chains = new Map([
      [0, await chainTo(chunks, 0, 6, agree)],
      [2, await chainTo(chunks, 2, 6, agree)],
    ])
    expect(streamsFrom(chains)).toMatchObject([
      { open: [{ 5: 'aaa' }, { 5: 'bbb' }] },
      { segments: [], open: [] },
      { base: { stream: 0, bytes: 3, lines: 1 }, open: [{ 5: 'ccc' }] },
    ])
  })
})
