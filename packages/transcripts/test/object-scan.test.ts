import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { fieldRanges, scanObject } from '../src/object-scan.ts'

const fields = fieldRanges()

/** What the scanner says of a text, in the middle of other bytes. */
function scanned(text: string): { name: string; value: string; depth: number }[] | undefined {
  const before = Buffer.from('}"x')
  const inner = Buffer.from(text)
  const bytes = Buffer.concat([before, inner, Buffer.from('"}]0e')])
  const count = scanObject(bytes, before.length, before.length + inner.length, fields)
  if (count === undefined) return undefined
  return Array.from({ length: count }, (_, at) => ({
    name: bytes.toString('utf8', fields.nameStarts[at], fields.nameEnds[at]),
    value: bytes.toString('utf8', fields.valueStarts[at], fields.valueEnds[at]),
    depth: fields.depths[at] ?? 0,
  }))
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
})
