import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLine } from '../src/lines.ts'
import { entryDecoder } from '../src/pi/entry-decoder.ts'
import { idSet } from '../src/pi/id-set.ts'
import { scannedHead } from '../src/pi/line-head.ts'

const place = { part: 'main', line: 1, start: 0, end: 1 }
const pi = { sessionId: 's', version: 3, cwd: undefined, parentPath: undefined, value: {} }

describe('the head of a line', () => {
  test('is found for a plain message', () => {
    const line = '{"type":"message","id":"0a1b2c3d","parentId":null,"timestamp":"t","message":{"role":"user","content":"\\"x\\" é"}}\n'
    expect(scannedHead(Buffer.from(line))).toEqual({ id: '0a1b2c3d', parentId: undefined, role: 'user' })
  })

  test('is what parsing gives, whatever the order of the fields and whatever stands twice or is of another type', () => {
    const value = fc.oneof(
      fc.constantFrom(
        '"message"',
        '"user"',
        '"0a1b2c3d"',
        'null',
        '1',
        '[]',
        '{"role":"assistant"}',
        '{"role":1}',
        '{"role":"user","role":"toolResult"}',
        '{"content":{"role":"x"}}',
        '"\\u0061"',
        '"é"',
        '',
      ),
    )
    const name = fc.constantFrom('type', 'id', 'parentId', 'timestamp', 'message', 'appendMode', 'role', 'i\\u0064', 'ids')
    const line = fc
      .array(fc.tuple(name, value), { maxLength: 8 })
      .map((fields) => `{${fields.map(([key, text]) => `"${key}":${text}`).join(',')}}`)
    let found = 0
    fc.assert(
      fc.property(
        fc.oneof(
          line,
          line.map((text) => text.replace('{', '{"type":"message","id":"1","parentId":"2","message":{"role":"user"},')),
        ),
        (text) => {
          const head = scannedHead(Buffer.from(text))
          if (head === undefined) return
          found += 1
          const { value } = parseLine(Buffer.from(text))
          const parsed = value === undefined ? undefined : entryDecoder(pi).decode(place, value)
          const seen = entryDecoder(pi).message(place, head)
          expect([seen?.indexed, seen?.verbatim]).toEqual([parsed?.indexed, parsed?.verbatim])
        },
      ),
      { numRuns: 3000 },
    )
    expect(found).toBeGreaterThan(10)
  })

  test('is left to the parser where the line is not valid UTF-8 or cut off', () => {
    const line = Buffer.from('{"type":"message","id":"0a1b2c3d","parentId":null,"message":{"role":"user","content":"abc"}}')
    expect(scannedHead(line)).toBeDefined()
    expect(scannedHead(line.subarray(0, -1))).toBeUndefined()
    expect(scannedHead(Buffer.from(line.map((byte) => (byte === 0x62 ? 0xff : byte))))).toBeUndefined()
  })
})

test('a set of ids knows what was added, numbers or not, zero too', () => {
  const id = fc.oneof(
    fc.constantFrom('00000000', 'ffffffff', '0000000g', '', 'L1'),
    fc.nat(3000).map((number) => number.toString(16).padStart(8, '0')),
  )
  fc.assert(
    fc.property(fc.array(id, { maxLength: 3000, size: 'max' }), (ids) => {
      const set = idSet()
      const model = new Set<string>()
      for (const each of ids) {
        expect(set.add(each)).toBe(!model.has(each))
        model.add(each)
      }
    }),
    { numRuns: 30 },
  )
})
