import type { BranchResult, CompactionReason } from '@palimpsest/core'
import { byteSize } from './byte-size.ts'
import { styled, type Text } from './text.ts'
import { tokenCount } from './token-count.ts'

/** A new or restored session for people: where it is, how it is opened, and what to mind. */
export function branchText(result: BranchResult): readonly Text[] {
  return [
    [styled('dim', 'Session:   '), result.sessionId],
    [styled('dim', 'File:      '), result.path],
    [styled('dim', 'Open it:   '), styled('bold', result.resume)],
    ...warningText(result),
  ]
}

/** What to mind, a line each. */
export function warningText({ warnings }: BranchResult): readonly Text[] {
  return warnings.map((warning): Text => [styled('yellow', 'Mind:      '), warning])
}

/** How much room an earlier point leaves; where none was asked for and the context was compacted for being full, how to ask for it. */
export function roomText({ room, checkpoint }: BranchResult, leaveRoom: string): readonly Text[] {
  if (room !== undefined) {
    const { keptBytes, contextBytes, estimatedTokens } = room
    const tokens = estimatedTokens === undefined ? '' : `, about ${tokenCount(estimatedTokens)} tokens`
    const share = contextBytes === 0 ? 0 : Math.round((100 * keptBytes) / contextBytes)
    return [[styled('dim', 'Context:   '), `${share} % of ${byteSize(contextBytes)}${tokens}`]]
  }
  return automatic.has(checkpoint.reason) ? [[styled('dim', 'More room: '), leaveRoom]] : []
}

const automatic: ReadonlySet<CompactionReason> = new Set(['auto-threshold', 'overflow-retry', 'timeout-retry'])
