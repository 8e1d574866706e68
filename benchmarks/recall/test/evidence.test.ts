import { describe, expect, test } from 'vitest'
import { commandLine, errorLines, pathsIn } from '../evidence.ts'

describe('error lines', () => {
  test('are what programs say when they fail, trimmed, each once', () => {
    const output = [
      '> tsc --noEmit',
      "  src/a.ts(12,3): error TS2304: Cannot find name 'foo'.",
      "src/a.ts(12,3): error TS2304: Cannot find name 'foo'.",
      'TypeError: x is not a function (at a.js:3)',
      'bash: bd: command not found in PATH',
      '** (Mix) Could not compile dependency :lazy_html',
      'all 12 tests passed without errors',
    ].join('\r\n')
    expect(errorLines(output)).toEqual([
      "src/a.ts(12,3): error TS2304: Cannot find name 'foo'.",
      'TypeError: x is not a function (at a.js:3)',
      'bash: bd: command not found in PATH',
      '** (Mix) Could not compile dependency :lazy_html',
    ])
  })

  test.each([
    '   12→  throw new Error("a long enough line")',
    '+ 766 \t\t\tmode.showError(errorMessage);',
    '12\tlog.error("a long enough line")',
  ])('are not lines of a file that was read: %j', (line) => expect(errorLines(line)).toEqual([]))
})

describe('a command', () => {
  test('of several lines is the first that says something', () => {
    expect(commandLine('cd /tmp\ncat <<EOF | sort -u > names.txt\nb\nEOF')).toBe('cat <<EOF | sort -u > names.txt')
  })
  test('that is too short to be told from others is none', () => expect(commandLine('git status')).toBeUndefined())
})

describe('paths', () => {
  test('have a folder and are absolute or end in an extension; links are none', () => {
    const text = 'see src/modes/index.ts, "/home/dev/notes" and ../up/one.json; either/or is none, https://example.org/a/b.html neither.'
    expect(pathsIn(text)).toEqual(['src/modes/index.ts', '/home/dev/notes', '../up/one.json'])
  })
})
