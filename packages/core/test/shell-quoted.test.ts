import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { shellQuoted } from '../src/shell-quoted.ts'

/** Arguments that a process can have: any text but NUL and what is no text. */
const argument = fc.oneof(
  fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\0', '').toWellFormed()),
  fc.constantFrom('', "'", "''", "a'b", '\\', '$(exit 1)', '`id`', '~', '~root', '*', 'a b', '-n', '#', 'a\nb', '!', '=', 'A=b', '{a,b}'),
)

test('a shell takes every argument apart again as it was', () => {
  fc.assert(
    fc.property(fc.array(argument, { minLength: 1, maxLength: 20 }), (argv) => {
      const printed = execFileSync('sh', ['-c', `printf '%s\\0' ${shellQuoted(argv)}`], { maxBuffer: 2 ** 24 })
      expect(printed.toString().split('\0').slice(0, -1)).toEqual(argv)
    }),
    { numRuns: 60 },
  )
})

test('a plain command line stays readable', () => {
  expect(shellQuoted(['claude', '--resume', '/home/dev/a.jsonl'])).toBe('claude --resume /home/dev/a.jsonl')
  expect(shellQuoted(['pi', "it's"])).toBe("pi 'it'\\''s'")
})
