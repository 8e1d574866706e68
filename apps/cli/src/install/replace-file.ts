import { randomBytes } from 'node:crypto'
import { open, rename, rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'

/**
 * Puts a text in the place of a file, atomically and durably: a temporary file beside it, which is synced, gets its name. `check` is called just before
 * that; what it throws leaves the file as it was. Throws what the file system does.
 */
export async function replaceFile(path: string, text: string, mode: number, check?: () => Promise<void>): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.palimpsest-${randomBytes(6).toString('hex')}`)
  try {
    const file = await open(temporary, 'wx', mode)
    try {
      // The mode that was asked for, whatever the process's mask takes away.
      await file.chmod(mode)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await check?.()
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined)
    throw error
  }
  await syncFolder(dirname(path))
}

/** Makes what was done in a folder durable, where the system can. */
export async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined)
  await handle?.sync().catch(() => undefined)
  await handle?.close()
}
