import { stat } from 'node:fs/promises'
import { hostname } from 'node:os'
import { dirname } from 'node:path'
import type { AbortOptions, SidecarRule } from '@palimpsest/core'
import { errorCode } from './file-errors.ts'
import { findSidecars } from './sidecar-files.ts'

/**
 * What the file system says of files, and of the sidecars of the first by these rules: device, inode, size and the times of change, which no program
 * can set back; of a write-ahead log the time of writing, since SQLite changes the other one when root reads beside the writer. A file that isn't there is a state too. `undefined` where one of them can't be looked at, or was changed so lately that another change
 * could leave its time as it is.
 */
export async function stateOfFiles(
  files: readonly string[],
  options: AbortOptions & { readonly sidecars?: readonly SidecarRule[] | undefined } = {},
): Promise<string | undefined> {
  const [main] = files
  if (main === undefined) return undefined
  try {
    const sidecars = await findSidecars(dirname(main), options.sidecars ?? [], options)
    const lines = [hostname()]
    for (const path of [...files, ...sidecars.map((sidecar) => sidecar.path)]) {
      options.signal?.throwIfAborted()
      const stats = await stat(path, { bigint: true }).catch(absent)
      const changedNs = path.endsWith('-wal') ? stats?.mtimeNs : stats?.ctimeNs
      if (changedNs !== undefined && isRecent(changedNs)) return undefined
      lines.push(`${path}\0${stats === undefined ? 'absent' : [stats.dev, stats.ino, stats.size, stats.mtimeNs, changedNs].join(' ')}`)
    }
    return lines.join('\n')
  } catch {
    options.signal?.throwIfAborted()
    return undefined
  }
}

/** Kernels stamp files by a clock that ticks some hundred times a second, and some file systems know only (two) seconds. */
function isRecent(changedNs: bigint): boolean {
  const slackMs = changedNs % 1_000_000_000n === 0n ? 2_000 : 20
  return Date.now() - Number(changedNs / 1_000_000n) <= slackMs
}

function absent(error: unknown): undefined {
  const code = errorCode(error)
  if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
  throw error
}
