import { linkSync, mkdirSync, readdirSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Bench, OurWorker } from './bench.ts'
import { workFolder } from './places.ts'

/**
 * A store with so many sessions, as the build under test writes them; made once for each build and not to be written to. One session, `rich`, has
 * 25 checkpoints, the others one each.
 */
export async function storeOfSessions(bench: Bench, ours: OurWorker, count: number, summary: string): Promise<string> {
  const folder = join(workFolder, 'stores', bench.build.digest)
  const store = join(folder, `${count}-sessions`)
  if ((await stat(store).catch(() => undefined)) !== undefined) return store
  // Those of other builds are of no more use.
  for (const name of await readdir(dirname(folder)).catch(() => [])) {
    if (name !== bench.build.digest) await rm(join(dirname(folder), name), { recursive: true, force: true })
  }
  await mkdir(folder, { recursive: true })
  bench.progress(`making a store of ${count} sessions`)
  const partial = `${store}.partial-${process.pid}`
  try {
    await ours.call('fillStore', { store: partial, count, summary })
    await rename(partial, store)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return store
}

/** The same files under another folder, each linked: storage replaces its files and never writes into one. */
export function linkedCopy(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 })
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (entry.isDirectory()) linkedCopy(source, target)
    else linkSync(source, target)
  }
}
