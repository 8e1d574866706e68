import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { jsonText } from '../src/json-text.ts'
import { printable, printableLine } from '../src/printable.ts'
import { renderTable } from '../src/table.ts'
import { renderText, shortened, shortenedPath, styled } from '../src/text.ts'

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const controls = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/

/** Text with many of the characters that matter in it. */
const hostile = fc.string({
  unit: fc.oneof(
    fc.constantFrom('\x1b', '\x07', '\x9b', '\x9d', '\r', '\b', '\x7f', '\u202e', '\u2066', '\u2069', '\u200f', '\u061c', '\t', '\n'),
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }),
  ),
})

describe('printable', () => {
  test.each([
    ['a title set by an escape sequence', 'a\x1b]0;title\x07b', 'a]0;titleb'],
    ['a colour', '\x1b[31mred\x1b[0m', '[31mred[0m'],
    ['an eight-bit control sequence', '\x9b31mred', '31mred'],
    ['a carriage return and a backspace that overwrite', 'safe\rrm\b\b', 'saferm'],
    ['a right-to-left override', 'txt.\u202egpj', 'txt.gpj'],
    ['isolates and marks', '\u2066a\u2069\u200e\u200f\u061c', 'a'],
    ['NUL and DEL', '\0a\x7f', 'a'],
  ])('%s loses its controls', (_, text, expected) => {
    expect(printable(text)).toBe(expected)
  })

  test('tabs, line feeds and letters of every script stay', () => {
    const text = 'a\tb\nשלום عربى 日本語 é e\u0301 👩‍👩‍👧 \u200d'
    expect(printable(text)).toBe(text)
  })

  test('no control is left in any text, and nothing else is taken', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const cleaned = printable(text)
        expect(cleaned).not.toMatch(controls)
        expect(cleaned).toBe([...text].filter((character) => !controls.test(character)).join(''))
      }),
    )
  })

  test('a line has no line breaks of any kind', () => {
    expect(printableLine('a\r\n\tb\u2028c\x1bd')).toBe('a b cd')
  })
})

describe('text', () => {
  test('what is rendered without colours is printable whatever its pieces are', () => {
    fc.assert(
      fc.property(hostile, hostile, (left, right) => {
        expect(renderText([left, styled('red', right)], { colors: false })).not.toMatch(controls)
        const table = renderTable({ columns: [{ title: 'a' }, { title: 'b' }], rows: [[left, styled('bold', right)]] }, false)
        expect(table).not.toMatch(controls)
        expect(table.split('\n').length).toBeLessThanOrEqual(2)
      }),
    )
  })

  test('with colours the only escape sequences are our own', () => {
    expect(renderText(['\x1b[5m', styled('red', 'a\x1b[5mb')], { colors: true })).toBe('[5m\x1b[31ma[5mb\x1b[39m')
  })

  test('a shortened text keeps whole characters and says that it was cut', () => {
    expect(shortened('👍👍👍👍', 3)).toBe('👍👍…')
    expect(shortened('abc', 3)).toBe('abc')
    expect(shortenedPath('/a/long/path', 6)).toBe('…/path')
  })
})

describe('JSON', () => {
  test('what a terminal could obey is escaped, and reads back the same', () => {
    fc.assert(
      fc.property(hostile, (text) => {
        const written = jsonText({ [text]: text })
        expect(written).not.toMatch(controls)
        expect(written).not.toContain('\n')
        expect(JSON.parse(written)).toEqual({ [text]: text })
      }),
    )
  })
})
