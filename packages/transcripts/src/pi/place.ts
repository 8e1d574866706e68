import { join, resolve } from 'node:path'
import { CheckpointError, type Placement, type PlaceOptions } from '@palimpsest/core'

/** A new pi session: `<agentFolder>/sessions/--<cwd with / \ : as hyphens>--/<time>_<id>.jsonl`, as pi 0.58 to 1.5 name it. */
export function placePi(options: PlaceOptions, agentFolder: string | undefined): Placement {
  const time = new Date(options.createdAt).toISOString().replace(/[:.]/g, '-')
  const fileName = `${time}_${acceptedId(options.sessionId)}.jsonl`
  const cwdName = (options.cwd ?? '').replace(/^[/\\]/, '').replace(/[/\\:]/g, '-')
  const folder = chosenFolder(options.to, agentFolder === undefined ? undefined : join(agentFolder, 'sessions', `--${cwdName}--`), 'pi')
  const settings = agentFolder === undefined ? "settings.json in pi's folder" : join(agentFolder, 'settings.json')
  return {
    folder,
    fileName,
    resumeArgv: ['pi', '--session', join(folder, fileName)],
    warnings: compactsAgain(options)
      ? [
          `The context stood at its limit, so that pi may compact it again before its first answer. To keep it whole, put {"compaction":{"enabled":false}} into ${settings} before you open the session.`,
        ]
      : [],
  }
}

/** A new OpenClaw session: `<stateFolder>/agents/<agentId>/sessions/<id>.jsonl`. OpenClaw opens only what its `sessions.json` names. */
export function placeOpenClaw(options: PlaceOptions, stateFolder: string | undefined, agentId: string): Placement {
  const sessionId = acceptedId(options.sessionId)
  const fileName = `${sessionId}.jsonl`
  const own = stateFolder === undefined ? undefined : join(stateFolder, 'agents', agentId, 'sessions')
  const folder = chosenFolder(options.to, own, 'OpenClaw')
  const key = `agent:${agentId}:restored:${sessionId}`
  const row = JSON.stringify({ [key]: { sessionId, sessionFile: join(folder, fileName), updatedAt: options.createdAt } })
  const registry = join(own ?? folder, 'sessions.json')
  const warnings = [
    `OpenClaw opens only sessions that its registry names: stop its gateway, add ${row} to the object in ${registry}, and start it again. OpenClaw 2026.9 and later keep sessions in SQLite and don't read this file.`,
  ]
  if (compactsAgain(options)) {
    warnings.push(
      'The context stood at its limit, so that OpenClaw may compact it again before its first answer. No setting of it prevents that: branch with --leave 30% so that there is room, or open it with a model that has a larger context window.',
    )
  }
  return { folder, fileName, resumeArgv: ['openclaw', 'tui', '--session', key], warnings }
}

/** A context that a person had compacted, or that was never compacted, has room. */
function compactsAgain(options: PlaceOptions): boolean {
  switch (options.reason ?? 'unknown') {
    case 'auto-threshold':
    case 'overflow-retry':
    case 'timeout-retry':
    case 'unknown':
      return true
    default:
      return false
  }
}

function chosenFolder(to: string | undefined, own: string | undefined, agentName: string): string {
  const folder = to ?? own
  if (folder !== undefined) return resolve(folder)
  throw new CheckpointError('ARGUMENT_INVALID', `It is not known where ${agentName} keeps its sessions here: name a folder.`, {
    argument: 'to',
  })
}

function acceptedId(sessionId: string): string {
  if (/^[A-Za-z0-9_-][A-Za-z0-9._-]*$/.test(sessionId)) return sessionId
  throw new CheckpointError('ARGUMENT_INVALID', `${JSON.stringify(sessionId)} can't be a session id: letters, digits, hyphens, dots.`, {
    argument: 'sessionId',
    expected: '[A-Za-z0-9._-]+',
  })
}
