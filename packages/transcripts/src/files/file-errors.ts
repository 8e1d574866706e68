import type { Stats } from 'node:fs'
import { CheckpointError } from '@palimpsest/core'
import { asRecord, asString } from '../json-fields.ts'

/** The code of an error of the file system, such as `ENOENT`. */
export function errorCode(error: unknown): string | undefined {
  return error instanceof Error ? asString(asRecord(error)?.['code']) : undefined
}

/** `TRANSCRIPT_UNREADABLE` for a file that could not be opened or read. */
export function unreadable(path: string, error: unknown): CheckpointError {
  if (error instanceof CheckpointError) return error
  return new CheckpointError('TRANSCRIPT_UNREADABLE', `${path} can't be read: ${whyUnreadable(error)}`, { path }, { cause: error })
}

/** `TRANSCRIPT_UNREADABLE` for what is there but is no regular file. */
export function notARegularFile(
  path: string,
  stats: Pick<Stats, 'isDirectory' | 'isFIFO' | 'isSocket' | 'isSymbolicLink'>,
): CheckpointError {
  const message = `${path} is ${kindOf(stats)}, not a regular file: name the transcript's own file.`
  return new CheckpointError('TRANSCRIPT_UNREADABLE', message, { path })
}

/** `TARGET_REFUSED` for a file that could not be written. */
export function refused(path: string, error: unknown): CheckpointError {
  if (error instanceof CheckpointError) return error
  return new CheckpointError('TARGET_REFUSED', `${path} can't be written: ${whyUnwritable(error)}`, { path }, { cause: error })
}

/** `TARGET_REFUSED` for a name that is taken. */
export function taken(path: string, cause?: unknown): CheckpointError {
  const message = `${path} exists, and is not replaced: name another folder, or move it away.`
  return new CheckpointError('TARGET_REFUSED', message, { path }, cause === undefined ? {} : { cause })
}

function whyUnreadable(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'there is no such file, or it is a link to none. Check the path.'
    case 'ENOTDIR':
      return 'a part of its path is no folder. Check the path.'
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied. Give this user the right to read it.'
    case 'ELOOP':
      return 'its path has too many symbolic links, or one where none is followed. Name the file itself.'
    case 'ENXIO':
      return 'it is a socket or a device. Name a regular file.'
    case 'EMFILE':
    case 'ENFILE':
      return 'too many files are open. Try again.'
    default:
      return `${messageOf(error)}.`
  }
}

function whyUnwritable(error: unknown): string {
  switch (errorCode(error)) {
    case 'ENOENT':
      return 'it is not there any more. Look again before you write.'
    case 'ENOTDIR':
      return 'a part of its path is no folder. Name another folder.'
    case 'EACCES':
    case 'EPERM':
      return 'permission is denied. Name another folder, or give this user the right to write there.'
    case 'EROFS':
      return 'the file system is read-only. Name another folder.'
    case 'ENOSPC':
    case 'EDQUOT':
      return 'the disk or the quota is full. Make room and try again.'
    default:
      return `${messageOf(error)}.`
  }
}

function kindOf(stats: Pick<Stats, 'isDirectory' | 'isFIFO' | 'isSocket' | 'isSymbolicLink'>): string {
  if (stats.isDirectory()) return 'a folder'
  if (stats.isFIFO()) return 'a pipe'
  if (stats.isSocket()) return 'a socket'
  return stats.isSymbolicLink() ? 'a symbolic link' : 'a device'
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
