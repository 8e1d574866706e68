import { CheckpointError } from '@palimpsest/core'
import type { FileRecords } from './file-records.ts'
import { type FilePlan, type FileRecord, type InstalledFile, planInstall, planUninstall } from './installed-file.ts'
import { SettingsRefused } from './json-entries.ts'
import { readSettingsFile, removeEmptyFolders, SettingsChanged, type SettingsFile, writeSettingsFile } from './settings-file.ts'

export type InstallAction = 'install' | 'uninstall'

/** One file, and what is to become of it. */
export interface PreparedFile {
  /** As the agent names it. */
  readonly path: string
  /** As it was read; its own `path` is another one where a link leads elsewhere. */
  readonly current: SettingsFile
  readonly plan: FilePlan
  /** What is known of earlier installations. */
  readonly record: FileRecord | undefined
}

/** Reads the files and plans what becomes of each. Writes nothing. Throws `TARGET_REFUSED` where one of them can't be edited. */
export async function prepare(
  files: readonly InstalledFile[],
  action: InstallAction,
  records: FileRecords,
): Promise<readonly PreparedFile[]> {
  const prepared: PreparedFile[] = []
  for (const file of files) {
    try {
      const current = await readSettingsFile(file.path)
      const record = await records.read(current.path)
      const plan = action === 'install' ? planInstall(file, current.text, record) : planUninstall(file, current.text, record)
      prepared.push({ path: file.path, current, plan, record })
    } catch (error) {
      throw refusal(file.path, error)
    }
  }
  return prepared
}

/** Whether something is to be written. */
export function changes({ current, plan }: PreparedFile): boolean {
  return plan.after !== current.text
}

/**
 * Does what was planned, each file atomically; where one can't be written, those before it become what they were. Throws `TARGET_REFUSED`, and
 * `SettingsChanged` where somebody else has written meanwhile.
 */
export async function carryOut(prepared: readonly PreparedFile[], records: FileRecords): Promise<void> {
  const done: PreparedFile[] = []
  for (const file of prepared) {
    try {
      await write(file, records)
      done.push(file)
    } catch (error) {
      for (const written of done.toReversed()) await putBack(written, records)
      if (error instanceof SettingsChanged) throw error
      throw refusal(file.path, error)
    }
  }
}

async function write(file: PreparedFile, records: FileRecords): Promise<void> {
  const { current, plan } = file
  const { record } = plan
  // Known before it is there, so that what a crash leaves is recognised; forgotten after it is gone.
  if (record !== undefined && changes(file)) {
    const createdFolders = [...new Set([...record.createdFolders, ...current.missingFolders])]
    await records.write(current.path, { ...record, path: current.path, createdFolders })
  }
  if (changes(file)) await writeSettingsFile(current, plan.after)
  if (record === undefined) await records.write(current.path, undefined)
  if (plan.after === undefined) await removeEmptyFolders(file.record?.createdFolders ?? [])
}

/** Best effort: the error that led here is the one that is reported. */
async function putBack(file: PreparedFile, records: FileRecords): Promise<void> {
  const { current, plan } = file
  if (!changes(file)) return
  try {
    await writeSettingsFile({ ...current, text: plan.after }, current.text)
    await removeEmptyFolders(current.missingFolders)
    await records.write(current.path, file.record)
  } catch {
    // What was written is known in the records, and the next uninstallation takes it out.
  }
}

function refusal(path: string, error: unknown): unknown {
  if (error instanceof SettingsRefused) {
    return new CheckpointError(
      'TARGET_REFUSED',
      `${path} was left as it is: ${error.message}. Mend it, then run the command again.`,
      { path },
      { cause: error },
    )
  }
  if (!(error instanceof Error) || !('code' in error) || !('syscall' in error)) return error
  return new CheckpointError(
    'TARGET_REFUSED',
    `${path} can't be changed: ${whyNot(String(error.code))}. Nothing was changed.`,
    { path },
    { cause: error },
  )
}

function whyNot(code: string): string {
  if (code === 'EACCES' || code === 'EPERM') return 'permission denied'
  if (code === 'EROFS') return 'its file system is read-only'
  if (code === 'ENOSPC' || code === 'EDQUOT') return 'the disk is full'
  return code
}
