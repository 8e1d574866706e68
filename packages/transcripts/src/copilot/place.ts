import { join, resolve } from 'node:path'
import type { CompactionReason, Placement, PlaceOptions } from '@palimpsest/core'

/** Compactions that ran because the context was full: it is full again as soon as the session is opened. */
const automatic: ReadonlySet<CompactionReason> = new Set(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'])

/** Where `copilot --resume=<id>` finds a session: `session-state/<id>/events.jsonl`, with its sidecars beside it. */
export function placeCopilot(folder: string, options: PlaceOptions): Placement {
  const { sessionId, to, reason } = options
  const own = join(to === undefined ? join(folder, 'session-state') : resolve(to), sessionId)
  const warnings: string[] = []
  if (to !== undefined) {
    warnings.push(`Copilot CLI opens sessions from its own folder alone: move ${own} into ${join(folder, 'session-state')}.`)
  }
  if (reason !== undefined && automatic.has(reason)) {
    warnings.push(
      'The context is as full as it was when it was compacted: Copilot CLI compacts it again beside the first answer. No setting of it prevents that. Branch with --leave 30% (or with --drop-unanswered) so that there is room, or open it with a model that has a larger context window.',
    )
  }
  return { folder: own, fileName: 'events.jsonl', sidecarFolder: own, resumeArgv: ['copilot', `--resume=${sessionId}`], warnings }
}
