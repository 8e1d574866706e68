import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { phraseFinder } from '../src/phrase-finder.ts'

const isWord = (character: string | undefined) => character !== undefined && /[\w\u00c0-\u00d6\u00d8-\u00f6\u00f8-\u052f]/.test(character)

/** What the finder promises, place by place. */
function plainly(texts: readonly string[], phrase: string): 'whole' | 'inside' | 'none' {
  let found: 'inside' | 'none' = 'none'
  for (const text of texts) {
    for (let at = text.indexOf(phrase); at !== -1; at = text.indexOf(phrase, at + 1)) {
      const startsWord = !isWord(phrase[0]) || !isWord(text[at - 1])
      const endsWord = !isWord(phrase.at(-1)) || !isWord(text[at + phrase.length])
      if (startsWord && endsWord) return 'whole'
      found = 'inside'
    }
  }
  return found
}

const letters = fc.constantFrom('a', 'b', ' ', '.', 'é', '漢', '\u{1f600}')
const short = fc.string({ unit: letters, minLength: 1, maxLength: 6 })
const long = fc.string({ unit: letters, maxLength: 60 })

describe('phrases', () => {
  test('are found exactly where a plain search finds them, however they overlap', () => {
    fc.assert(
      fc.property(fc.array(short, { maxLength: 20 }), fc.array(long, { maxLength: 5 }), (phrases, texts) => {
        const finder = phraseFinder(phrases)
        for (const text of texts) finder.read(text)
        expect(phrases.map((_phrase, at) => finder.found(at))).toEqual(phrases.map((phrase) => plainly(texts, phrase)))
      }),
      { numRuns: 500 },
    )
  })

  test('that were found are forgotten by a reset, and found again', () => {
    const finder = phraseFinder(['5 ms', 'ms'])
    finder.read('it took 5 ms')
    expect([finder.found(0), finder.found(1)]).toEqual(['whole', 'whole'])
    finder.reset()
    expect([finder.found(0), finder.found(1)]).toEqual(['none', 'none'])
    finder.read('it took 15 ms')
    expect([finder.found(0), finder.found(1)]).toEqual(['inside', 'whole'])
  })

  test('of one letter repeated, thousands in a text that is nothing else, take no longer than others', () => {
    // 2,000 phrases end at each place of the text: looked at one by one that were 2,000 steps a letter.
    const phrases = Array.from({ length: 1500 }, (_, at) => 'a'.repeat(at + 1))
    const finder = phraseFinder(phrases)
    finder.read('a'.repeat(1_000_000))
    expect(finder.found(0)).toBe('inside')
    expect(finder.found(1499)).toBe('inside')
  })
})
