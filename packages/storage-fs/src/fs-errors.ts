import { StorageError } from '@palimpsest/core'
import { hasCode } from './file-system.ts'

const advice: readonly { readonly codes: readonly string[]; readonly text: string }[] = [
  { codes: ['ENOSPC', 'EDQUOT', 'EFBIG'], text: 'Make room there, or name another folder.' },
  { codes: ['EACCES', 'EPERM', 'EROFS'], text: 'Allow this user to read and write there, or name another folder.' },
  { codes: ['EXDEV'], text: 'All folders in it must lie on one file system; move it onto one, or name another folder.' },
  { codes: ['ENOTDIR', 'ELOOP'], text: 'There is a file or a symbolic link where a folder belongs; move it away, or name another folder.' },
]

/** An error of the file system as the port says it: what a person must settle is `refused`, all else is `unavailable`. */
export function toStorageError(error: unknown, folder: string): StorageError {
  if (error instanceof StorageError) return error
  const message = error instanceof Error ? error.message : String(error)
  const known = advice.find(({ codes }) => hasCode(error, ...codes))
  if (known !== undefined)
    return new StorageError('refused', `The storage folder ${folder} can't be used: ${message}. ${known.text}`, { cause: error })
  return new StorageError('unavailable', `The storage folder ${folder} failed: ${message}. Try again.`, { cause: error })
}
