import { basename, join, resolve } from 'node:path'
import type { CompactionReason, Placement, PlaceOptions } from '@palimpsest/core'

/** Where the client's folder is, and how it names the folder of a project; `undefined` for a project that it doesn't know. */
export interface GeminiHome {
  readonly folder: string
  readonly projectName: (cwd: string) => string | undefined
}

/** Compactions that ran because the context was full: it is full again as soon as the session is opened. */
const automatic: ReadonlySet<CompactionReason> = new Set(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'])

/**
 * Where `gemini --resume <id>`, started in the session's folder, finds a session: `tmp/<project>/chats/session-<minute>-<id>-<first 8 of the id>.jsonl`.
 * The client wants the first word and the last; it names its own without the id between them.
 */
export function placeGemini(home: GeminiHome, options: PlaceOptions): Placement {
  const { sessionId, cwd, reason } = options
  const known = cwd === undefined ? undefined : home.projectName(cwd)
  const folder = options.to ?? join(home.folder, 'tmp', known ?? projectSlug(cwd ?? ''), 'chats')
  const minute = new Date(options.createdAt).toISOString().slice(0, 16).replace(':', '-')
  const settings = join(home.folder, 'settings.json')
  const warnings = [
    `Gemini CLI deletes sessions: at its next start it may take this one for broken once it was resumed, and delete every file of it. To prevent that, put {"general":{"sessionRetention":{"enabled":false}}} into ${settings}.`,
  ]
  if (options.to !== undefined)
    warnings.push(
      `Gemini CLI opens sessions from its own folders alone: move the file into a folder chats below ${join(home.folder, 'tmp')}.`,
    )
  else if (cwd === undefined)
    warnings.push('The working directory of the session is not known: move the file into the folder chats of its project.')
  else if (known === undefined)
    warnings.push(
      `Gemini CLI does not know the project ${cwd} yet. Should it not find the session, start it there once, and move the file into the folder chats that it made.`,
    )
  if (cwd !== undefined) warnings.push(`Start it in ${cwd}: it finds only the sessions of the folder in which it is started.`)
  if (reason !== undefined && automatic.has(reason)) warnings.push(compactsAgain(settings))
  return {
    folder: resolve(folder),
    fileName: `session-${minute}-${sessionId}-${sessionId.slice(0, 8)}.jsonl`,
    resumeArgv: ['gemini', '--resume', sessionId],
    warnings,
  }
}

function compactsAgain(settings: string): string {
  return `The context is as full as it was before the compaction, and Gemini CLI compacts it again when it is over its threshold. To prevent that, put {"model":{"compressionThreshold":1}} into ${settings}.`
}

/** The name that the client gives a project that it meets first, where no other has it. */
function projectSlug(cwd: string): string {
  const slug = basename(cwd)
    .toLowerCase()
    .replace(/[^a-z0-9]/g, '-')
    .replace(/-+/g, '-')
    .replace(/^-|-$/g, '')
  return slug === '' ? 'project' : slug
}
