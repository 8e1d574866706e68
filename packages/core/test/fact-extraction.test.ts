import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EntryStep } from '../src/entry-step.ts'
import type { FactCategory } from '../src/fact.ts'
import { factExtraction } from '../src/fact-extraction.ts'

/** The texts of one category in an entry of these steps. */
function found(category: FactCategory, ...steps: readonly EntryStep[]): readonly string[] {
  return factExtraction()
    .next(steps)
    .filter((fact) => fact.category === category)
    .map(({ text }) => text)
}

const said = (text: string, by: 'user' | 'assistant' | 'system' = 'assistant'): EntryStep => ({ did: 'said', by, text })
const printed = (text: string, failed = false): readonly EntryStep[] => [
  { did: 'ran', callId: 'c', command: 'make' },
  { did: 'returned', callId: 'c', failed, text },
]

describe('facts', () => {
  test('URLs come without the punctuation behind them', () => {
    expect(found('url', said('See https://example.org/a?b=1, (https://example.com/x) and <http://localhost:80/>.'))).toEqual([
      'https://example.org/a?b=1',
      'https://example.com/x',
      'http://localhost:80/',
    ])
  })

  test('commit ids are words of hex digits in lines about commits, and parts of other ids are not', () => {
    const log =
      'f00ba47 Fix the parser\n* 1a2b3c4 Merge it\ncommit 0123456789abcdef0123456789abcdef01234567\n[main 9f8e7d6] done\n1a2b3c4..5d6e7f8 main'
    expect(found('commit', ...printed(log))).toEqual([
      'f00ba47',
      '1a2b3c4',
      '0123456789abcdef0123456789abcdef01234567',
      '9f8e7d6',
      '5d6e7f8',
    ])
    expect(found('commit', said('entry 51a1656c, session 019a9b00-1111-7222-8333-444455556666, #a1b2c3d, 1234567'))).toEqual([])
  })

  test('numbers have a unit', () => {
    expect(found('number', said('12.5 ms, 40%, 175,004 tokens, 3x, 60 MiB/s, 7 apples, v1.2.3, 10px wide and 2026-08-01'))).toEqual([
      '12.5 ms',
      '40%',
      '175,004 tokens',
      '3x',
      '60 MiB/s',
      '10px',
    ])
  })

  test('names in code are those that prose would not have, and what code defines', () => {
    expect(found('symbol', said('Call `parse()`, setModel and max_age in `Queue.drain`, not main.ts, `main.ts` or plain words'))).toEqual([
      'parse',
      'setModel',
      'max_age',
    ])
    const after = 'export class Queue {}\nconst size = 1\nconst maxSize = 2\ndef drain_all do'
    expect(found('symbol', { did: 'wrote', path: 'a.ts', after })).toEqual(['Queue', 'maxSize', 'drain_all'])
  })

  test('errors are lines of what commands print, not of the code that they print, nor that there were none', () => {
    const output = [
      'src/a.ts(1,2): error TS2304: Cannot find name',
      '\u001b[31mAssertionError: expected 1 to be 2\u001b[39m',
      "  throw new Error('no')",
      '12: if (error) return',
      'Found 0 errors.',
      'all is well',
    ].join('\n')
    expect(found('error', ...printed(output))).toEqual([
      'src/a.ts(1,2): error TS2304: Cannot find name',
      'AssertionError: expected 1 to be 2',
    ])
    const file: readonly EntryStep[] = [
      { did: 'read', callId: 'r', path: 'notes.md' },
      { did: 'returned', callId: 'r', failed: false, text: 'Error: this stands in a file' },
    ]
    expect(found('error', ...file)).toEqual([])
  })

  test('what failed without a line of its own is its first line, whatever tool it was', () => {
    const steps: readonly EntryStep[] = [
      { did: 'replaced', callId: 'e', path: 'a.ts', before: 'the old text here' },
      { did: 'returned', callId: 'e', failed: true, text: 'The old text must match exactly.\nMore.' },
    ]
    expect(found('error', ...steps)).toEqual(['The old text must match exactly.'])
    expect(found('error', ...printed('Error: Exit code 2\n', true))).toEqual([])
  })

  test('a result in an entry of its own is judged by the call before it', () => {
    const extraction = factExtraction()
    extraction.next([{ did: 'read', callId: 'r', path: 'a.csv' }])
    expect(extraction.next([{ did: 'returned', callId: 'r', failed: false, text: '5 ms\nhttps://example.org/abc' }])).toEqual([])
  })

  test('requests are the user’s words, decisions the model’s', () => {
    const text = "I'll use a queue instead of a stack. It is short.\n```\n// instead of this and that\n```"
    expect(found('request', said('Please fix it now.', 'user'))).toEqual(['Please fix it now.'])
    expect(found('request', said('Please fix it now.'))).toEqual([])
    expect(found('decision', said(text))).toEqual(["I'll use a queue instead of a stack."])
    expect(found('decision', said(text, 'user'))).toEqual([])
  })

  test('no text holds a pattern up: a megabyte of what each could stumble over comes to its end', () => {
    const stumbling = [
      'a',
      '_',
      '$',
      '0',
      '1,',
      '1.',
      '1 ',
      'f',
      'deadbeef',
      '1a2b3c4 ',
      'https://',
      'http://a.',
      '`',
      '`a',
      'a.',
      'a::',
      'const ',
      'function aA',
      'error ',
      'E',
      'Error',
      ': ',
      '.',
      '! ',
      '\n',
      '\r',
      '\t',
      ' ',
      '-',
      '(',
      '</',
      '<system-reminder>',
      'instead of ',
      '\u001b[',
      '\u001b[1;',
      '漢',
      'aB',
      'no errors',
      '[a ',
      '..',
      '|',
    ]
    fc.assert(
      fc.property(fc.array(fc.constantFrom(...stumbling), { minLength: 1, maxLength: 3 }), (pieces) => {
        const piece = pieces.join('')
        const text = piece.repeat(Math.ceil(200_000 / piece.length))
        for (const by of ['user', 'assistant'] as const) factExtraction().next([said(text, by)])
        factExtraction().next([...printed(text, true), { did: 'wrote', path: 'a', after: text }, { did: 'called', tool: 't', input: text }])
      }),
      { numRuns: 60 },
    )
  })
})
