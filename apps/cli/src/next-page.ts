import type { Invocation } from './invocation.ts'
import { styled, type Text } from './text.ts'

/** The line that says how to see the next page: the same command with its operands, its filters and the cursor. Nothing on the last page. */
export function nextPage(
  invocation: Invocation,
  command: string,
  options: Readonly<Record<string, string | number | undefined>>,
  cursor: string | undefined,
  operands: readonly string[] = [],
): readonly Text[] {
  if (cursor === undefined) return []
  const words = Object.entries({ ...options, cursor }).flatMap(([name, value]) => (value === undefined ? [] : [flag(name), String(value)]))
  const end = operands.some((operand) => operand.startsWith('-')) ? ['--'] : []
  return ['', [styled('dim', 'Next page: '), invocation.commandLine(command, ...words, ...end, ...operands)]]
}

/** `sessionKey` is `--session-key`. */
function flag(name: string): string {
  return `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
}
