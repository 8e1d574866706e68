import { join, resolve } from 'node:path'
import { CheckpointError, type Placement, type PlaceOptions } from '@palimpsest/core'
import { dayFolders, newRolloutName } from './rollout-name.ts'

/**
 * A new rollout: `<home>/sessions/<year>/<month>/<day>/rollout-<time>-<id>.jsonl`, by the machine's own time. `codex resume <id>` finds it by its
 * name alone, in any folder below `sessions`.
 */
export function placeCodex(options: PlaceOptions, homeFolder: string | undefined): Placement {
  const { sessionId, createdAt, cwd, reason } = options
  if (!/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(sessionId)) throw badId(sessionId)
  const own = homeFolder === undefined ? undefined : join(homeFolder, 'sessions', ...dayFolders(createdAt))
  const chosen = options.to ?? own
  if (chosen === undefined) throw noFolder()
  const folder = resolve(chosen)
  return {
    folder,
    fileName: newRolloutName(sessionId, createdAt),
    resumeArgv: ['codex', 'resume', sessionId],
    warnings: [
      ...(compactsAgain(reason) ? [compactsAgainMessage(sessionId)] : []),
      ...(options.to === undefined || isBelowSessions(folder, homeFolder)
        ? []
        : [`Codex finds sessions only below the folder sessions of its CODEX_HOME: move the file there before you resume it.`]),
      ...(cwd === undefined ? [] : [`Resume it in ${cwd}: in another folder Codex adds a message about its new surroundings.`]),
    ],
  }
}

/** Compactions that ran because the context was full; why one ran is not always known. */
function compactsAgain(reason: PlaceOptions['reason']): boolean {
  switch (reason ?? 'unknown') {
    case 'auto-threshold':
    case 'overflow-retry':
    case 'timeout-retry':
    case 'unknown':
      return true
    default:
      return false
  }
}

function compactsAgainMessage(sessionId: string): string {
  const settings = '-c model_context_window=TOKENS -c model_auto_compact_token_limit=TOKENS'
  return `The context is as full as it was before the compaction: the first request goes out whole, and Codex compacts before the next one if it is over the limit (90 % of model_context_window, or model_auto_compact_token_limit where that is lower). To prevent that, branch with --leave 30%; or, for a model that has more room, start it with: codex resume ${sessionId} ${settings}`
}

function isBelowSessions(folder: string, homeFolder: string | undefined): boolean {
  if (homeFolder === undefined) return false
  const sessions = resolve(homeFolder, 'sessions')
  return folder === sessions || folder.startsWith(join(sessions, '/'))
}

function badId(sessionId: string): CheckpointError {
  return new CheckpointError('ARGUMENT_INVALID', `${JSON.stringify(sessionId)} can't be a session id: letters, digits, hyphens, dots.`, {
    argument: 'sessionId',
    expected: '[A-Za-z0-9._-]+',
  })
}

function noFolder(): CheckpointError {
  return new CheckpointError('ARGUMENT_INVALID', 'It is not known where Codex keeps its sessions here: name a folder.', { argument: 'to' })
}
