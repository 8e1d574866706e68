import { join, resolve } from 'node:path'
import { CheckpointError, type CompactionReason, type Placement, type PlaceOptions } from '@palimpsest/core'

/** Compactions that ran because the context was full: it is full again as soon as the session is opened. */
const automatic: ReadonlySet<CompactionReason> = new Set(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'])

/**
 * A document for `opencode import`, which puts it into the database, and does so once however often it is run. OpenCode takes only ids that
 * begin with `ses`, so that the session is given such a one.
 */
export function placeSession(options: PlaceOptions, dataFolder: string | undefined): Placement {
  const sessionId = sessionIdFor(options.sessionId)
  const fileName = `${sessionId}.json`
  const folder = chosenFolder(options.to, dataFolder)
  const file = join(folder, fileName)
  const { cwd, reason } = options
  const enter = cwd === undefined ? '' : 'cd "$3" && '
  return {
    folder,
    fileName,
    sessionId,
    resumeArgv: [
      'sh',
      '-c',
      `${enter}opencode import "$1" && exec opencode --session "$2"`,
      'opencode',
      file,
      sessionId,
      ...(cwd === undefined ? [] : [cwd]),
    ],
    warnings: [
      `OpenCode keeps sessions in a database, and takes this one in with: opencode import ${file}${cwd === undefined ? '' : ` (run in ${cwd})`}. Then opencode --session ${sessionId} opens it.`,
      ...(reason !== undefined && automatic.has(reason)
        ? [
            `The context is as full as it was before an automatic compaction, and OpenCode compacts it again before it answers. To prevent that, set OPENCODE_CONFIG_CONTENT='{"compaction":{"auto":false}}' when you open it.`,
          ]
        : []),
    ],
  }
}

function sessionIdFor(sessionId: string): string {
  if (!/^[A-Za-z0-9_-]+$/.test(sessionId)) {
    throw new CheckpointError('ARGUMENT_INVALID', `${JSON.stringify(sessionId)} can't be a session id: letters, digits, hyphens.`, {
      argument: 'sessionId',
      expected: '[A-Za-z0-9_-]+',
    })
  }
  return sessionId.startsWith('ses') ? sessionId : `ses_${sessionId}`
}

function chosenFolder(to: string | undefined, dataFolder: string | undefined): string {
  if (to !== undefined) return resolve(to)
  if (dataFolder !== undefined) return join(resolve(dataFolder), 'palimpsest')
  throw new CheckpointError('ARGUMENT_INVALID', 'It is not known where OpenCode keeps its data here: name a folder.', { argument: 'to' })
}
