import { createHash } from 'node:crypto'
import type { InPlace, RewriteOptions, Transcript } from '@palimpsest/core'
import { branchAt } from './branch.ts'
import { type PiIndex, readIndex } from './entries.ts'

/**
 * pi opens a session at its last line, and a label is a line like any other: one whose parent is the leaf puts the session back there, without
 * a byte being replaced. A session of version 1 has no parents, and is replaced; so is one whose branch pi itself would not find, since ids
 * on it are missing or stand twice.
 */
export async function inPlacePi(current: Transcript, options: RewriteOptions): Promise<InPlace> {
  const index = await readIndex(current, options)
  if (index?.header === undefined) return { mode: 'refused', message: 'The file is no session any more: its header is missing.' }
  const branch = branchAt(index, options)
  if ('problem' in branch) return { mode: 'refused', message: branch.problem.message }
  const leafId = index.idOf(branch.path.at(-1) ?? -1)
  if (leafId === undefined) return { mode: 'refused', message: 'Nothing would be left of the session.' }
  if (index.header.version < 2 || branch.path.some((position) => index.alteredPositions.has(position))) return { mode: 'replace' }
  const timestamp = new Date(options.createdAt).toISOString()
  const label = options.name?.trim() || `restored ${timestamp}`
  const id = unusedId(index, leafId, options)
  const line = JSON.stringify({ type: 'label', id, parentId: leafId, timestamp, targetId: leafId, label })
  return { mode: 'append', bytes: new TextEncoder().encode(`${line}\n`) }
}

function unusedId(index: PiIndex, leafId: string, options: RewriteOptions): string {
  for (let attempt = 0; ; attempt++) {
    const seed = `${options.sessionId} ${leafId} ${options.createdAt} ${attempt}`
    const id = createHash('sha256').update(seed).digest('hex').slice(0, 8)
    if (index.positionOf(id) === undefined) return id
  }
}
