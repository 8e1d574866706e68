import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseSearchQuery } from '../src/search-query.ts'

const now = Date.parse('2026-06-01T12:00:00Z')
const parse = (text: string) => parseSearchQuery(text, now)
const words = (text: string) => parse(text).terms.map((term) => (term.isPhrase ? `"${term.text}"` : term.text))

describe('a query', () => {
  test('is words, and phrases in quotes', () => {
    expect(words('plain words "and a phrase" behind')).toEqual(['plain', 'words', '"and a phrase"', 'behind'])
    expect(parse('plain "and a phrase"').verbatim).toBe('plain and a phrase')
  })

  test('a quote that is not closed goes to the end', () => {
    expect(words('find "this and that')).toEqual(['find', '"this and that"'])
  })

  test('a minus before a word or a quote leaves it out', () => {
    const query = parse('keep -drop -"not this"')
    expect(query.terms.map(({ text }) => text)).toEqual(['keep'])
    expect(query.without).toEqual([
      { text: 'drop', isPhrase: false },
      { text: 'not this', isPhrase: true },
    ])
  })

  test('flags of a command leave nothing out, and a command stays as it was written', () => {
    for (const command of ['ls -la /tmp', 'git push --force', 'tail -5 x', 'head -n 20', 'a - b', 'rm -rf x']) {
      expect(parse(command).without, command).toEqual([])
      expect(parse(command).verbatim).toBe(command)
    }
    expect(parse('find . -name x').verbatim).toBe('find . -name x')
  })

  test('a word alone with a minus before it is looked for', () => {
    expect(words('-name')).toEqual(['name'])
  })

  test('narrows by role, tool, agent, path, time and what was dropped', () => {
    const { filters, terms } = parse('x role:user role:tool tool:Bash agent:Pi path:"src/a b.ts" before:2026-01-02 after:3d dropped:true')
    expect(terms).toHaveLength(1)
    expect(filters).toEqual({
      roles: ['user', 'tool'],
      tools: ['Bash'],
      agents: ['pi'],
      paths: ['src/a b.ts'],
      before: Date.parse('2026-01-02'),
      after: now - 3 * 86_400_000,
      dropped: true,
    })
  })

  test('an operator with a value that can be none is text, and so is any other word with a colon', () => {
    expect(words('role:nobody before:never dropped:maybe http://x.org foo:bar')).toEqual([
      'role:nobody',
      'before:never',
      'dropped:maybe',
      'http://x.org',
      'foo:bar',
    ])
  })

  test('signs alone are no term, but stand in what was written', () => {
    expect(words('a && b => ...')).toEqual(['a', 'b'])
    expect(parse('a && b').verbatim).toBe('a && b')
  })

  test('of a long one the beginning counts', () => {
    expect(parse('word '.repeat(50_000)).terms).toHaveLength(64)
    expect(parse('x'.repeat(100_000)).terms[0]?.text).toHaveLength(8_000)
  })

  test('is refused only when it is empty', () => {
    for (const text of ['', ' \n\t', '""', '-', '"" -'])
      expect(() => parse(text)).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    expect(parse('!!!').terms).toEqual([])
    expect(parse('dropped:true').terms).toEqual([])
  })

  test('any text is understood: nothing but an empty one throws, and no term is empty', () => {
    const piece = fc.oneof(
      fc.constantFrom('"', '-', ':', 'role:', 'path:"', ' ', '\n', 'dropped:true', 'OR', '*', '(', '日本', '🎉', '\ud800', '\0'),
      fc.string({ unit: 'binary', maxLength: 6 }),
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const text = pieces.join('')
        if (/^[\s"-]*$/.test(text)) return
        const query = parse(text)
        for (const term of [...query.terms, ...query.without]) expect(term.text.trim()).not.toBe('')
      }),
    )
  })
})
