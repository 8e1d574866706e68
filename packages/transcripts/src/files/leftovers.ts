import { lstat, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'

const oldMs = 60 * 60 * 1000
const namePattern = /^\..+\.[0-9a-f]{12}\.palimpsest\.tmp$/

/** The name of a folder in which a file's parts are written before they appear. It is hidden, and no agent reads such a name. */
export function stagingName(fileName: string, random: string): string {
  return `.${fileName}.${random}.palimpsest.tmp`
}

/**
 * Removes what a branch or restore left in `folder` that was killed more than an hour ago: folders of our name in which nothing was begun since.
 * Touches nothing else, and never throws: what can't be removed now is removed another time.
 */
export async function removeLeftovers(folder: string, now: number = Date.now()): Promise<void> {
  const names = await readdir(folder).catch(() => [])
  for (const name of names.filter((each) => namePattern.test(each))) {
    const path = join(folder, name)
    const isOld = await isOldFolder(path, now).catch(() => false)
    if (isOld) await rm(path, { recursive: true, force: true }).catch(() => undefined)
  }
}

/** Whether it is a real folder, and neither it nor the main part in it was written within the last hour. */
async function isOldFolder(path: string, now: number): Promise<boolean> {
  const stats = await lstat(path)
  if (!stats.isDirectory()) return false
  const within = await Promise.all((await readdir(path)).map((name) => lstat(join(path, name))))
  return [stats, ...within].every(({ mtimeMs }) => now - mtimeMs > oldMs)
}
