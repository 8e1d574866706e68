import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { gramsOf, pairsOf, spaced } from '../src/grams.ts'
import { mayHaveStem, stemOf } from '../src/stems.ts'
import { identifierParts, wordForms } from '../src/word-forms.ts'

describe('the forms of words', () => {
  test('an identifier in camel case has the parts that a person would read', () => {
    expect(identifierParts('getUserName')).toEqual(['get', 'user', 'name'])
    expect(identifierParts('parseHTTPHeader2')).toEqual(['parse', 'http', 'header2'])
    expect(identifierParts('plain')).toEqual([])
    expect(identifierParts('UPPER')).toEqual([])
  })

  test('parts are found in the middle of code, each identifier once', () => {
    const { parts } = wordForms('const userName = getUserName(userName) // plain words', false)
    expect(parts).toBe('user name get user name')
  })

  test('only stems that differ from their words are kept, and only where they are asked for', () => {
    expect(wordForms('Running the tests, running a test', true).stems).toBe('run test')
    expect(wordForms('Running the tests', false).stems).toBe('')
  })

  test('no word has a stem whose ending is passed over', () => {
    const suffix = fc.constantFrom(
      'ational',
      'enci',
      'izer',
      'bli',
      'alli',
      'ousli',
      'ation',
      'ator',
      'ness',
      'iviti',
      'logi',
      'icate',
      'ance',
      'able',
      'ment',
      'ism',
      'ou',
      'ion',
      'ing',
      'eed',
      'ied',
      'ies',
      'ly',
      'll',
      '',
    )
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{3,12}$/), suffix, (root, end) => {
        const word = root + end
        if (!mayHaveStem(word.charCodeAt(word.length - 2), word.charCodeAt(word.length - 1))) expect(stemOf(word)).toBe(word)
      }),
      { numRuns: 2_000 },
    )
  })

  test('each text has the stems of its own words, however many texts there were before', () => {
    const words = fc.array(fc.constantFrom('tests', 'Testing', 'TESTED', 'running', 'file', 'files', 'a', 'x2s', 'error', 'lines'), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(words, (said) => {
        const stems = said.filter((word) => /^[a-z]{3,}$/i.test(word)).map((word) => [word.toLowerCase(), stemOf(word.toLowerCase())])
        const wanted = new Set(stems.filter(([word, stem]) => word !== stem).map(([, stem]) => stem))
        expect(wordForms(said.join(' '), true).stems).toBe([...wanted].join(' '))
      }),
    )
  })

  test('what has grams is seen, wherever it stands', () => {
    for (const text of ['日', 'a語b', '한글', 'ไทย', 'done 🎉', '→ ✅', '𠀀']) expect(wordForms(text, true).hasGrams, text).toBe(true)
    for (const text of ['', 'plain', 'naïve → arrow', 'русский', '🂡'.slice(1)]) expect(wordForms(text, true).hasGrams, text).toBe(false)
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        if (gramsOf(text) !== '' && !/[\u00a9\u00ae]/.test(text)) expect(wordForms(text, true).hasGrams).toBe(true)
      }),
    )
  })

  test('encoded data has no forms', () => {
    expect(wordForms('aB'.repeat(100), true)).toEqual({ stems: '', parts: '', hasGrams: false })
  })

  test('any text has forms, and every part of an identifier stands in the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const { parts } = wordForms(text, true)
        const small = text.toLowerCase()
        for (const part of parts.split(' ')) expect(small).toContain(part)
      }),
    )
  })
})

describe('text without spaces between words', () => {
  test('a run is cut into pairs, so that what stands in it is found by its own pairs', () => {
    expect(pairsOf('日本語')).toEqual(['日本', '本語', '語'])
    expect(gramsOf('Node版本 and 日本語')).toBe('版本 本 日本 本語 語')
  })

  test('a Latin word that touches a run is a word', () => {
    expect(spaced('Node版本')).toBe('Node 版本 ')
    expect(spaced('plain')).toBe('plain')
  })

  test('the pairs of any piece of a run stand one behind the other in those of the run', () => {
    const run = fc.array(fc.constantFrom('日', '本', '語', 'か', 'な', '한', '글'), { minLength: 2, maxLength: 12 })
    fc.assert(
      fc.property(run, fc.nat(), fc.nat(), (characters, from, length) => {
        const start = from % (characters.length - 1)
        const piece = characters.slice(start, start + 2 + (length % characters.length))
        const wanted = pairsOf(piece.join('')).slice(0, -1).join(' ')
        expect(` ${pairsOf(characters.join('')).join(' ')} `).toContain(` ${wanted} `)
      }),
    )
  })

  test('a pictogram is a word', () => {
    expect(gramsOf('done 🎉')).toBe('u1f389')
  })
})
