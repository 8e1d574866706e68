import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type DroppedFact, type FactCategory, factCategories } from '../src/fact.ts'
import { survivalCheck } from '../src/survival.ts'

function fact(category: FactCategory, text: string): DroppedFact {
  return { category, text, isCut: false, firstPlace: 0, lastPlace: 0, mentions: 1 }
}

/** What is left of one fact in a summary. */
function survival(category: FactCategory, text: string, summary: string, cwd?: string) {
  const check = survivalCheck([fact(category, text)], cwd)
  check.after('summary', summary)
  return check.survival(0)
}

const words = fc.constantFrom(
  'npm',
  'test',
  '--watch',
  'src/a.ts',
  '/home/dev',
  '&&',
  ': ',
  '\n',
  '5 ms',
  'Error',
  ' ',
  'abc1234',
  '.',
  '"',
  '\\',
)
const text = fc.array(words, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(''))
const fitting = text.filter((candidate) => candidate.trim() !== '').map((candidate) => candidate.trim())

describe('what survives', () => {
  test('whole stands in the texts after, in part has a part that stands there, and of the rest nothing stands there', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.tuple(fc.constantFrom(...factCategories), fitting), { maxLength: 15, selector: ([, said]) => said }),
        fc.array(text, { maxLength: 6 }),
        fc.array(text, { maxLength: 2 }),
        (found, kept, summaries) => {
          const facts = found.map(([category, said]) => fact(category, said))
          const check = survivalCheck(facts, '/home/dev')
          for (const said of summaries) check.after('summary', said)
          for (const said of kept) check.after('kept', said)
          const after = { summary: summaries, kept }
          for (const [at, { text: said }] of facts.entries()) {
            const { survives, part, standsIn } = check.survival(at)
            const texts = standsIn === undefined ? [] : after[standsIn]
            if (survives === 'whole') expect(texts.some((one) => one.includes(said))).toBe(true)
            else if (survives === 'part') expect(texts.some((one) => part !== undefined && one.includes(part))).toBe(true)
            else expect([...kept, ...summaries].some((one) => one.includes(said))).toBe(false)
          }
        },
      ),
      { numRuns: 500 },
    )
  })

  test.each([
    ['file-written', '/home/dev/app/src/lib/queue.ts', 'I changed src/lib/queue.ts.', 'src/lib/queue.ts'],
    ['file-read', '/home/dev/app/src/lib/queue.ts', 'See queue.ts for more.', 'queue.ts'],
    ['command', 'cd /home/dev/app && npm run check 2>&1 | tail -5', 'Run `npm run check 2>&1` again.', 'npm run check 2>&1'],
    [
      'error',
      'src/a.ts(3,4): error TS2339: Property is missing',
      'It said: error TS2339: Property is missing',
      'error TS2339: Property is missing',
    ],
    ['url', 'https://example.org/docs/page?x=1#y', 'see example.org/docs/page', 'example.org/docs/page'],
    ['commit', '0123456789abcdef0123456789abcdef01234567', 'fixed in 0123456', '0123456'],
    ['number', '5 ms', 'it took 15 ms', '5 ms'],
    [
      'request',
      'Please fix the parser first. Then run all of the tests.',
      'Asked: Then run all of the tests.',
      'Then run all of the tests.',
    ],
  ] as const)('of a %s: a part is named', (category, said, summary, part) => {
    expect(survival(category, said, summary)).toEqual({ survives: 'part', standsIn: 'summary', part })
  })

  test('is a path relative to the folder of the session, before its last segments', () => {
    const summary = 'src/deep/down/in/it/a.ts, it/a.ts'
    expect(survival('file-read', '/home/dev/src/deep/down/in/it/a.ts', summary, '/home/dev').part).toBe('src/deep/down/in/it/a.ts')
  })

  test('is nothing where only a change of folder stands in the summary', () => {
    expect(survival('command', 'cd /home/dev/app && npm test -- --run', 'Work in: cd /home/dev/app')).toEqual({ survives: 'none' })
  })

  test('is in part what is only the beginning of a longer text', () => {
    const check = survivalCheck([{ ...fact('request', 'The beginning of it'), isCut: true }], undefined)
    check.after('kept', 'The beginning of it, and so on')
    expect(check.survival(0)).toEqual({ survives: 'part', standsIn: 'kept', part: 'The beginning of it' })
  })

  test('in both is named by the summary', () => {
    const check = survivalCheck([fact('url', 'https://example.org/a')], undefined)
    check.after('kept', 'https://example.org/a')
    check.after('summary', 'https://example.org/a')
    expect(check.survival(0)).toEqual({ survives: 'whole', standsIn: 'summary' })
  })
})
