import { describe, expect, test } from 'vitest'
import { splitOf, splitter } from '../split.ts'

const origins = (sessions: number, turns: number) =>
  Array.from({ length: sessions * turns }, (_, at) => ({ session: `session-${at % sessions}`, turn: `turn-${Math.floor(at / sessions)}` }))

describe('a split', () => {
  test('is the same in every run and on every machine', () => {
    // The first byte of SHA-256 is ba of "abc" and 18 of "x"'s neighbour below: fixed values of the standard's own test vectors.
    expect(splitOf('abc')).toBe('test')
    expect(splitOf('')).toBe('test')
    expect(splitOf('abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq')).toBe('dev')
  })

  test('makes halves of about one size', () => {
    const halves = Array.from({ length: 2000 }, (_, at) => splitOf(`session ${at}`))
    const dev = halves.filter((half) => half === 'dev').length
    expect(dev).toBeGreaterThan(900)
    expect(dev).toBeLessThan(1100)
  })

  test('is by session from 20 sessions on: all that comes from one session is on one side', () => {
    const all = origins(20, 10)
    const split = splitter(all)
    expect(split.by).toBe('session')
    for (const origin of all) expect(split.of(origin)).toBe(split.of({ ...origin, turn: 'turn-0' }))
    expect(new Set(all.map((origin) => split.of(origin)))).toEqual(new Set(['dev', 'test']))
  })

  test('is by turn for fewer sessions: one session stands on both sides, one turn of it on one', () => {
    const all = origins(19, 40)
    const split = splitter(all)
    expect(split.by).toBe('turn')
    const ofOne = all.filter(({ session }) => session === 'session-3')
    expect(new Set(ofOne.map((origin) => split.of(origin)))).toEqual(new Set(['dev', 'test']))
  })

  test('takes equal turns of different sessions for different ones', () => {
    const split = splitter(origins(2, 1))
    const halves = Array.from({ length: 64 }, (_, at) => split.of({ session: `session-${at}`, turn: 'L1' }))
    expect(new Set(halves).size).toBe(2)
  })
})
