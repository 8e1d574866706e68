import { join } from 'node:path'
import type { CompactionReason, Placement, PlaceOptions } from '@palimpsest/core'
import { projectSlug } from './slug.ts'

/** Compactions that ran because the context was full: it is full again as soon as the session is opened. */
const automatic: ReadonlySet<CompactionReason> = new Set(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'])

/** Where `claude --resume <id>` finds a session: the folder of its `cwd`'s project. Elsewhere it is resumed by its path, and goes on in that file. */
export function placeSession(configFolder: string, options: PlaceOptions): Placement {
  const { sessionId, cwd, reason } = options
  const folder = options.to ?? join(configFolder, 'projects', projectSlug(cwd ?? '/'))
  const fileName = `${sessionId}.jsonl`
  const resumed = options.to === undefined ? sessionId : join(folder, fileName)
  return {
    folder,
    fileName,
    sidecarFolder: join(folder, sessionId),
    resumeArgv: ['claude', '--resume', resumed],
    warnings: [
      ...(reason !== undefined && automatic.has(reason) ? [compactsAgain(resumed)] : []),
      ...(cwd === undefined && options.to === undefined
        ? [
            'The working directory of the session is not known: it is placed under the project of the folder /. Start claude where the session belongs.',
          ]
        : []),
      'Where a message names the file of a saved tool result, its path still points into the folder of the original session.',
    ],
  }
}

function compactsAgain(resumed: string): string {
  return `The context is as full as it was before an automatic compaction, and Claude Code compacts it again on the first prompt. To prevent that, start it with: DISABLE_AUTO_COMPACT=1 claude --resume ${shellWord(resumed)}`
}

function shellWord(text: string): string {
  return /^[A-Za-z0-9_./:@%+=-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`
}
