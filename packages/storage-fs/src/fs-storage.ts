import * as nodeFileSystem from 'node:fs/promises'
import { resolve } from 'node:path'
import type { Storage } from '@palimpsest/core'
import type { FileSystem } from './file-system.ts'
import { fsObjects } from './fs-objects.ts'
import { fsRefs } from './fs-refs.ts'
import { type Operate, Operations } from './operations.ts'
import { StoreFolder } from './store-folder.ts'

export interface FsStorageOptions {
  /** Where the store is, or will be made at the first write. Relative to the working directory of this moment. */
  readonly folder: string
  /** By default `node:fs/promises`. */
  readonly fs?: FileSystem | undefined
}

const maxObjectBytes = 1024 ** 3

/**
 * Storage in a folder of a local disk: durable, without locks, safe between any number of processes of one machine. Nothing is written before
 * the first `put` or `compareAndSwap`, so that a store on read-only ground can be read. Folders are made with mode 0700, files with 0600.
 *
 * Errors: what a person must settle (no room, no permission, read-only ground, a symbolic link inside the store) is `refused`; what may pass
 * (too many open files, an error of the disk) is `unavailable`. A `put` that failed after its file had its name is seen by later ones.
 */
export function createFsStorage(options: FsStorageOptions): Storage {
  const root = resolve(options.folder)
  const store = new StoreFolder(options.fs ?? nodeFileSystem, root)
  const operations = new Operations(root)
  const operate: Operate = (call, run) => operations.run(call, run)
  return {
    traits: { durable: true, sharedBy: 'machine', maxObjectBytes, tellsChanges: true },
    objects: fsObjects(store, maxObjectBytes, operate),
    refs: fsRefs(store, operate),
    open: (call) => operate(call, () => store.checkLayout()),
    close: () => operations.end(),
  }
}
