import { textTable } from '@palimpsest/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLine } from '../src/lines.ts'
import { scanning } from '../src/object-scan.ts'
import { entryDecoder } from '../src/pi/entry-decoder.ts'
import { headOf, readLineHead, scanLineHead, scannedHead, type WordHead } from '../src/pi/line-head.ts'

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
          const words = emptyHead()
          if (isScanned(text, words)) expect(headOf(words)).toEqual(head)
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

  test('of a line that is known to parse is what parsing gives, wherever the line lies, or is left to the parser', () => {
    const line = fc
      .record({
        id: fc.constantFrom('0a1b2c3d', 'ffffffff', '80000000', '0A1b2c3d', '0a1b2c3', 'x'),
        parent: fc.constantFrom('null', '"00000000"', '"9f000001"', '"9f00000g"', '""', '1'),
        timestamp: fc.constantFrom('2026-01-01T00:00:00.000Z', '', '\\n', 'x'.repeat(40), 'x'.repeat(41)),
        role: fc.constantFrom('user', 'assistant', 'toolResult', 'bashExecution', 'system', 'users', 'custom'),
        content: fc.constantFrom('', ',"content":"\\"appendMode\\""', ',"content":[{"x":{}}]', ',"usage":{"appendMode":1}'),
        tail: fc.constantFrom('', '', ',"appendMode":"side"', ',"appendMode":"side","x":{}', ' '),
        end: fc.constantFrom('', '\n', '\r\n'),
      })
      .map(
        ({ id, parent, timestamp, role, content, tail, end }) =>
          `{"type":"message","id":"${id}","parentId":${parent},"timestamp":"${timestamp}","message":{"role":"${role}"${content}}${tail}}${end}`,
      )
    let found = 0
    fc.assert(
      fc.property(line, fc.constantFrom('', '{"x":1}\n'), (text, before) => {
        const bytes = Buffer.from(`${before}${text}{"type":"message"`)
        const words = emptyHead()
        const { value } = parseLine(Buffer.from(text))
        expect(value).toBeDefined()
        if (!readLineHead(bytes, before.length, before.length + text.length, words)) return
        found += 1
        const parsed = value === undefined ? undefined : entryDecoder(pi).decode(place, value)
        const seen = entryDecoder(pi).message(place, headOf(words))
        expect([seen?.indexed, seen?.verbatim]).toEqual([parsed?.indexed, parsed?.verbatim])
      }),
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

function emptyHead(): WordHead {
  return { id: 0, hasParent: false, parent: 0, role: 'user' }
}

test('a set of ids knows what was added, numbers or not, zero too', () => {
  const id = fc.oneof(
    fc.constantFrom('00000000', 'ffffffff', '0000000g', '', 'L1'),
    fc.nat(3000).map((number) => number.toString(16).padStart(8, '0')),
  )
  fc.assert(
    fc.property(fc.array(id, { maxLength: 3000, size: 'max' }), (ids) => {
      const set = textTable()
      const model = new Set<string>()
      for (const each of ids) {
        expect(set.add(each)).toBe(!model.has(each))
        model.add(each)
      }
    }),
    { numRuns: 30 },
  )
})

function isScanned(text: string, head: WordHead): boolean {
  const bytes = Buffer.from(text)
  const scan = scanning(bytes)
  return scan !== undefined && scanLineHead(scan, scan.start, scan.start + bytes.length, head)
}
