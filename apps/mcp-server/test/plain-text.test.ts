import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { cutBefore, oneLine, plainText } from '../src/plain-text.ts'

describe('plainText', () => {
  test('keeps what people write, in every script', () => {
    const text = 'Grüße, 漢字, עברית, العربية, ❤ 🎉 \ttab\nline'
    expect(plainText(text)).toBe(text)
  })

  test('turns every line end into a line feed', () => {
    expect(plainText('a\r\nb\rc\u2028d\u2029e')).toBe('a\nb\nc\nd\ne')
  })

  test('leaves nothing that is a control, invisible or half a character', () => {
    const risky = fc.oneof(
      fc.integer({ min: 0, max: 0xffff }).map((code) => String.fromCharCode(code)),
      fc.integer({ min: 0xe0000, max: 0xe0fff }).map((code) => String.fromCodePoint(code)),
      fc.constantFrom('\u001b[31m', '\u202e', '\u200b', '\ud800', '\udc00', '\ufeff', 'a'),
    )
    fc.assert(
      fc.property(fc.array(risky, { maxLength: 30 }), (parts) => {
        const plain = plainText(parts.join(''))
        expect(plain.replaceAll('\n', '').replaceAll('\t', '')).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(plainText(plain)).toBe(plain)
      }),
    )
  })
})

describe('oneLine', () => {
  test('is never longer than asked, and never ends in half a character', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 60 }), fc.integer({ min: 1, max: 40 }), (text, most) => {
        const line = oneLine(text, most)
        expect(line.length).toBeLessThanOrEqual(most)
        expect(line).not.toMatch(/\p{Surrogate}|\n/u)
      }),
    )
  })

  test('cuts before a character of two units, not in it', () => {
    expect(cutBefore('a🎉b', 2)).toBe(1)
    expect(cutBefore('a🎉b', 3)).toBe(3)
  })
})
