import { describe, expect, test } from 'vitest'
import { withoutDescriptions } from '../shell-calls.ts'

describe('a description', () => {
  test('is taken out of a shell call wherever it stands, and out of nothing else', () => {
    const line = {
      message: {
        content: [
          { type: 'tool_use', name: 'Bash', input: { command: 'mix test', description: 'Run the tests' } },
          { type: 'tool_use', name: 'Task', input: { prompt: 'look', description: 'Look around' } },
        ],
      },
    }
    expect(withoutDescriptions(line)).toEqual({
      value: {
        message: {
          content: [
            { type: 'tool_use', name: 'Bash', input: { command: 'mix test' } },
            { type: 'tool_use', name: 'Task', input: { prompt: 'look', description: 'Look around' } },
          ],
        },
      },
      calls: [{ command: 'mix test', description: 'Run the tests' }],
    })
  })

  test('is taken out where Claude Code repeats it at the end of a call in the background', () => {
    const line = { content: '<summary>Background command "Run the tests" completed (exit code 0)</summary>' }
    expect(withoutDescriptions(line).value).toEqual({ content: '<summary>Background command completed (exit code 0)</summary>' })
  })

  test("is none of Codex's calls, whose arguments are JSON in a string", () => {
    const call = { type: 'function_call', name: 'shell', arguments: '{"command":["bash","-lc","ls -la src"]}' }
    expect(withoutDescriptions(call)).toEqual({ value: call, calls: [{ command: 'ls -la src' }] })
  })

  test('of a value without calls leaves it as it is', () => {
    for (const value of [null, 'text', 3, { a: [1, { b: 2 }] }]) expect(withoutDescriptions(value)).toEqual({ value, calls: [] })
  })
})
