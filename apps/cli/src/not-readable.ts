import type { SessionProblem } from '@palimpsest/core'
import { styled, type Text } from './text.ts'

/** Notes on the sessions that a list had to leave out. */
export function notReadable(problems: readonly SessionProblem[]): readonly Text[] {
  return problems.map(({ name, message }) => [styled('yellow', 'not readable:'), ` ${name}: ${message}`])
}
