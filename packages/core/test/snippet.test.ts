import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { nearby, snippetOf, verbatimness } from '../src/snippet.ts'

const marked = (text: string, verbatim: string, terms = verbatim.split(' '), characters = 80) => {
  const snippet = snippetOf(text, { verbatim, terms }, characters)
  return { ...snippet, matches: snippet.marks.map(([start, end]) => snippet.text.slice(start, end)) }
}
const filler = 'lorem ipsum dolor sit amet '.repeat(40)

describe('a snippet', () => {
  test('of a row of pictograms fails at once to hold another row', () => {
    const text = Array.from({ length: 5_000 }, () => '😀').join(' ')
    expect(marked(text, `${Array.from({ length: 20 }, () => '😀').join(' ')} x`, ['😀']).matches[0]).toBe('😀')
  })

  test('marks pictograms that touch one another', () => {
    expect(marked('it says 😀😀 twice', '😀😀 twice').matches).toEqual(['😀😀 twice'])
  })

  test('marks letters that are the same as others, in small letters too', () => {
    expect(marked('it took 5 \u00b5s', '5 \u03bcs').matches).toEqual(['5 \u00b5s'])
    expect(marked('the οδοσ', 'ΟΔΟΣ').matches).toEqual(['οδοσ'])
  })

  test('stands around the words as they were written, and marks them as one match', () => {
    const { text, matches } = marked(`${filler}Error: no such file, open 'x.json' ${filler}`, "no such file, open 'x.json'")
    expect(text).toContain("Error: no such file, open 'x.json'")
    expect(text.length).toBeLessThan(90)
    expect(matches).toEqual(["no such file, open 'x.json"])
  })

  test('else stands where most of the words are together', () => {
    const { matches, text } = marked(`alpha ${filler} beta and alpha ${filler} beta`, 'alpha beta')
    expect(text).toContain('beta and alpha')
    expect(matches).toEqual(['beta', 'alpha'])
  })

  test('marks other forms of a word, and a word inside of an identifier', () => {
    expect(marked('We tested it; testing is done', 'something tests', ['tests']).matches).toEqual(['tested', 'testing'])
    expect(marked('call getUserName now', 'user', ['user']).matches).toEqual(['User'])
  })

  test('has the beginning where nothing is found', () => {
    expect(marked(filler, 'absent').text.startsWith('lorem ipsum')).toBe(true)
  })

  test('makes one blank of white space', () => {
    expect(marked('a\n\n\tb   c', 'b').text).toBe('a b c')
  })

  test('finds text without spaces between words', () => {
    expect(marked('これは日本語のテストです', '日本語').matches).toEqual(['日本語'])
  })

  test('of any text its marks lie in it, in order, and not over one another', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary', maxLength: 400 }),
        fc.string({ unit: 'binary', maxLength: 12 }),
        fc.nat(120),
        (text, verbatim, size) => {
          const snippet = snippetOf(text, { verbatim, terms: verbatim.split(/\s+/).filter((term) => term !== '') }, size + 1)
          let before = 0
          for (const [start, end] of snippet.marks) {
            expect(start).toBeGreaterThanOrEqual(before)
            expect(end).toBeGreaterThan(start)
            before = end
          }
          expect(before).toBeLessThanOrEqual(snippet.text.length)
        },
      ),
    )
  })

  test('a hostile text and query do not take long', () => {
    const text = 'aaaa '.repeat(200_000)
    expect(marked(text, `${'aaaa '.repeat(39)}b`).text.length).toBeLessThan(400)
    expect(marked('(((('.repeat(100_000), '(a+)+$').text.length).toBeLessThan(200)
  })
})

test('of a very long text the part around what was looked for is looked at', () => {
  const text = `${'lorem ipsum '.repeat(200_000)} the needle, at last ${'dolor '.repeat(200_000)}`
  const part = nearby(text, { verbatim: 'needle at last', terms: ['needle', 'last'] })
  expect(part.length).toBe(400_000)
  expect(part).toContain('the needle, at last')
  expect(nearby(text, { verbatim: 'no such words', terms: ['needle', 'no'] })).toContain('needle')
  expect(nearby('short', { verbatim: 'x', terms: [] })).toBe('short')
})

test('what holds a text in the same case holds it better, and white space never counts', () => {
  expect(verbatimness('see /home/USER/x', '/home/user')).toBe(1)
  expect(verbatimness('see /home/USER/x', '/home/USER')).toBe(2)
  expect(verbatimness('see /home/user/x', '/home/USER')).toBe(1)
  expect(verbatimness('a\n  b', 'a b')).toBe(2)
  expect(verbatimness('ab', 'a b')).toBe(0)
})
