import type { BranchResult } from '@palimpsest/core'
import { styled, type Text } from './text.ts'

/** A new or restored session for people: where it is, how it is opened, and what to mind. */
export function branchText(result: BranchResult): readonly Text[] {
  return [
    [styled('dim', 'Session:   '), result.sessionId],
    [styled('dim', 'File:      '), result.path],
    [styled('dim', 'Open it:   '), styled('bold', result.resume)],
    ...result.warnings.map((warning): Text => [styled('yellow', 'Mind:      '), warning]),
  ]
}
