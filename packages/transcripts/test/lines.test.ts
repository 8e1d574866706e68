import type { TranscriptSource } from '@palimpsest/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseLine, readLines } from '../src/lines.ts'
import { all } from './pi-sessions.ts'

const sourceOf = (bytes: Uint8Array): TranscriptSource => ({
  sizeBytes: bytes.length,
  read: async (start, end) => bytes.slice(start, end),
})

const read = async (text: string | Uint8Array, from?: { line: number; start: number }) => {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text
  const lines: { line: number; start: number; end: number; bytes: Buffer }[] = []
  for await (const { place, bytes: line } of readLines(sourceOf(bytes), { part: 'main', from })) {
    lines.push({ line: place.line, start: place.start, end: place.end, bytes: Buffer.from(line) })
  }
  return lines
}

describe('lines', () => {
  test('an empty part has no line', async () => expect(await read('')).toEqual([]))

  test('a last line without line feed is a line and ends at the size', async () => {
    expect(await read('a\nbc')).toMatchObject([
      { line: 0, start: 0, end: 2 },
      { line: 1, start: 2, end: 4 },
    ])
  })

  test('reading goes on from a line start with the numbers of the whole part', async () => {
    expect(await read('a\nbc\n\nd', { line: 1, start: 2 })).toMatchObject([
      { line: 1, start: 2, end: 5 },
      { line: 2, start: 5, end: 6 },
      { line: 3, start: 6, end: 7 },
    ])
  })

  test('whatever the bytes, the lines lie side by side, end at line feeds, and are the part', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof(fc.uint8Array({ maxLength: 20 }), fc.constant(new Uint8Array([10]))), { maxLength: 30 }),
        async (pieces) => {
          const bytes = Buffer.concat(pieces)
          const lines = await read(bytes)
          expect(Buffer.concat(lines.map((line) => line.bytes))).toEqual(bytes)
          expect(lines.map((line) => [line.start, line.bytes.length])).toEqual(lines.map((line) => [line.start, line.end - line.start]))
          expect(lines.slice(0, -1).every((line) => line.bytes.indexOf(10) === line.bytes.length - 1)).toBe(true)
        },
      ),
    )
  })

  test('lines over many slices come whole, in time linear in their length', async () => {
    const long = Buffer.alloc(48 << 20, 'x')
    const bytes = Buffer.concat([Buffer.from('{}\n'), long, Buffer.from('\n{}')])
    const started = performance.now()
    const lines = await read(bytes)
    expect(performance.now() - started).toBeLessThan(5000)
    expect(lines.map((line) => line.end - line.start)).toEqual([3, long.length + 1, 2])
    expect(lines[1]?.bytes.equals(Buffer.concat([long, Buffer.from('\n')]))).toBe(true)
  })

  test('the event loop runs between lines that take long', async () => {
    let turns = 0
    const timer = setInterval(() => turns++, 1)
    for await (const _line of readLines(sourceOf(Buffer.from('{}\n'.repeat(40))), { part: 'main' })) {
      const until = performance.now() + 5
      while (performance.now() < until);
    }
    clearInterval(timer)
    expect(turns).toBeGreaterThan(20)
  })

  test('an abort is rethrown as it is', async () => {
    const reason = new Error('enough')
    await expect(all(readLines(sourceOf(Buffer.from('{}\n')), { part: 'main', signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)
  })
})

describe('what a line says', () => {
  test.each([
    ['{"a":1}', { a: 1 }],
    ['{"a":1}\r\n', { a: 1 }],
    ['\uFEFF{"a":1}\n', { a: 1 }],
  ])('%j is an object', (text, value) => expect(parseLine(Buffer.from(text))).toEqual({ value }))

  test.each([
    ['', 'empty'],
    [' \r\n', 'empty'],
    ['null\n', 'object'],
    ['[1]', 'object'],
    ['"x"', 'object'],
    ['{x}', 'JSON'],
    ['{"a":', 'JSON'],
    [new Uint8Array([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), 'UTF-8'],
  ])('%j is none, and it is said why', (text, word) => {
    expect(parseLine(Buffer.from(text as string)).problem).toContain(word)
  })
})
