import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { scanning } from '../src/object-scan.ts'

/** What the scan says of a text, in the middle of other bytes. */
function scanned(text: string): { name: string; value: string; depth: number }[] | undefined {
  const before = Buffer.from('}"x')
  const inner = Buffer.from(text)
  const scan = scanning(Buffer.concat([before, inner, Buffer.from('"}]0e')]))
  if (scan === undefined) throw new Error('This text should be scanned.')
  const { bytes, fields } = scan
  const start = scan.start + before.length
  const count = scan.count(start, start + inner.length)
  if (count === undefined) return undefined
  return Array.from({ length: count }, (_, at) => {
    const [depth = 0, nameStart, nameEnd, valueStart, valueEnd] = fields.subarray(at * 5, at * 5 + 5)
    return { name: bytes.toString('utf8', nameStart, nameEnd), value: bytes.toString('utf8', valueStart, valueEnd), depth }
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const isObject = (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Texts that are nearly JSON: of its own pieces, in any order. */
const nearlyJson = fc
  .array(
    fc.constantFrom(
      '{',
      '}',
      '[',
      ']',
      ',',
      ':',
      '"',
      '"a"',
      '"\\u00e9"',
      '\\',
      '\\n',
      '"\\',
      'true',
      'fals',
      'null',
      '-0',
      '01',
      '1.',
      '1e',
      '1E+5',
      '.5',
      '-',
      ' ',
      '\t',
      '\u0001',
      'é',
      '"b":',
      '{"c":1}',
    ),
    { maxLength: 14 },
  )
  .map((pieces) => pieces.join(''))

describe('scanning an object', () => {
  test('accepts what JSON.parse gives an object for, and nothing else', () => {
    const check = (text: string) => {
      const value = parsed(text)
      const found = scanned(text)
      if (found !== undefined) expect(isObject(value)).toBe(true)
      // An escape in a name is left to the parser.
      else if (isObject(value)) expect(text).toMatch(/\\/)
    }
    fc.assert(fc.property(nearlyJson, check), { numRuns: 3000 })
    fc.assert(
      fc.property(
        fc.object().map((value) => JSON.stringify(value)),
        fc.nat(),
        fc.nat(),
        (text, at, code) => {
          check(text)
          const place = at % (text.length + 1)
          check(`${text.slice(0, place)}${String.fromCharCode(code % 128)}${text.slice(place + 1)}`)
          check(text.slice(0, place))
        },
      ),
      { numRuns: 500 },
    )
  })

  test('finds its fields and those of its objects, each value as it stands there', () => {
    const shapes = fc.dictionary(
      fc.string({ unit: fc.constantFrom('a', 'b', 'é', ' '), maxLength: 3 }),
      fc.oneof(fc.jsonValue(), fc.dictionary(fc.constantFrom('x', 'y'), fc.jsonValue())),
      { maxKeys: 6 },
    )
    fc.assert(
      fc.property(shapes, fc.constantFrom(undefined, 2), (value, space) => {
        const text = JSON.stringify(value, undefined, space)
        fc.pre(!text.includes('\\'))
        const found = scanned(text)
        const own = found?.filter(({ depth }) => depth === 1).map(({ name, value: written }) => [name, JSON.parse(written)])
        expect(own).toEqual(Object.entries(JSON.parse(JSON.stringify(value))))
        const inner = found?.filter(({ depth }) => depth === 2).map(({ name, value: written }) => [name, JSON.parse(written)])
        const expected = Object.values(value).flatMap((each) => (isObject(each) ? Object.entries(JSON.parse(JSON.stringify(each))) : []))
        expect(inner).toEqual(expected)
      }),
    )
  })

  test('gives up on what only the parser should decide: too deep, too many fields, an escape in a name', () => {
    const nested = `${'{"a":'.repeat(600)}1${'}'.repeat(600)}`
    expect(scanned(nested)).toBeUndefined()
    expect(scanned(JSON.stringify(Object.fromEntries(Array.from({ length: 65 }, (_, at) => [`k${at}`, at]))))).toBeUndefined()
    expect(scanned('{"\\u0061":1}')).toBeUndefined()
    expect(scanned(`{"a":${'['.repeat(400)}1${']'.repeat(400)}}`)).toEqual([
      { name: 'a', value: `${'['.repeat(400)}1${']'.repeat(400)}`, depth: 1 },
    ])
  })

  test('says the same of a text at each distance from the 16 bytes that it looks at together', () => {
    for (let length = 0; length < 40; length += 1) {
      const filler = 'x'.repeat(length)
      for (const [inner, isString] of [
        ['', true],
        ['\\n', true],
        ['\\"', true],
        ['\\u00e9', true],
        ['\\u00g9', false],
        ['\\x', false],
        ['\t', false],
        ['"', false],
      ] as const) {
        expect(scanned(`{"a":"${filler}${inner}"}`) !== undefined).toBe(isString)
        expect(scanned(`{"a":"${inner}${filler}"}`) !== undefined).toBe(isString)
      }
      expect(scanned(`{"a":"${filler}`)).toBeUndefined()
      expect(scanned(`{"a":"${filler}\\`)).toBeUndefined()
      expect(scanned(`{"a":"${filler}\\u00`)).toBeUndefined()
    }
  })

  test('takes long texts as well as short ones, and leaves those over 4 MiB to the parser', () => {
    const long = JSON.stringify({ a: 'x\n'.repeat(1 << 20), b: 1 })
    expect(scanned(long)?.map(({ value }) => value.length)).toEqual([3 * (1 << 20) + 2, 1])
    expect(scanned('{"c":[]}')).toEqual([{ name: 'c', value: '[]', depth: 1 }])
    expect(scanning(Buffer.alloc((4 << 20) + 1))).toBeUndefined()
  })
})
