import { assertRange, type ByteRange, type ObjectStore, pageLimit, parseKey, parsePrefix, StorageError } from '@palimpsest/core'
import type { FileSystemFile } from './file-system.ts'
import { type KeyTree, keysOf, type Place, placeOf } from './key-paths.ts'
import { pageOf } from './listing.ts'
import type { Operate } from './operations.ts'
import { fill, publishedSize, readAll, removePublished, useFile } from './published-file.ts'
import type { StoreFolder } from './store-folder.ts'

const tree: KeyTree = { root: 'objects', sharded: false }
const unlinksAtOnce = 64
// A range up to this size is read without asking for the file's size first.
const trustedRangeBytes = 4 * 1024 * 1024

/** Objects as files that get their name once, by a link. */
export function fsObjects(store: StoreFolder, maxObjectBytes: number, operate: Operate): ObjectStore {
  const pathOf = ({ folder, name }: Place) => store.folders.path(`${folder}/${name}`)
  return {
    put: (key, bytes, options) =>
      operate(options, async () => {
        const place = placeOf(tree, parseKey(key))
        if (bytes.byteLength > maxObjectBytes)
          throw new StorageError('too-large', `An object is at most ${maxObjectBytes} bytes here; these are ${bytes.byteLength}.`)
        const own = new Uint8Array(bytes)
        try {
          return { created: await store.create(place, own, { signal: options?.signal }) }
        } finally {
          // Many megabytes, one object after the other: they are not left to the collector.
          own.buffer.transfer(0)
        }
      }),
    get: (key, options) =>
      operate(options, async () => {
        const place = placeOf(tree, parseKey(key))
        const range = options?.range
        if (range !== undefined) assertRange(range, maxObjectBytes)
        if (!(await store.folders.holds(place.folder))) return undefined
        return useFile(store.fs, pathOf(place), (file) => (range === undefined ? readAll(file) : readRange(file, range)))
      }),
    delete: (keys, options) =>
      operate(options, async () => {
        const places = keys.map((key) => placeOf(tree, parseKey(key)))
        const touched = new Set<string>()
        for (let at = 0; at < places.length; at += unlinksAtOnce) {
          options?.signal?.throwIfAborted()
          const remove = async (place: Place) => {
            if (!(await store.folders.holds(place.folder))) return
            touched.add(place.folder)
            await removePublished(store.fs, pathOf(place), store.temporary())
          }
          await Promise.all(places.slice(at, at + unlinksAtOnce).map(remove))
        }
        await Promise.all([...touched].map((folder) => store.folders.sync(folder)))
      }),
    list: (prefix, options) =>
      operate(options, async () => {
        const after = options?.after === undefined ? undefined : parseKey(options.after)
        const limit = pageLimit(options)
        const keys = keysOf(tree, parsePrefix(prefix), after, (folder) => store.folders.names(folder))
        return pageOf(
          keys,
          limit,
          async (key) => {
            const sizeBytes = await publishedSize(store.fs, pathOf(placeOf(tree, key)))
            return sizeBytes === undefined ? undefined : { key, sizeBytes }
          },
          options?.signal,
        )
      }),
  }
}

async function readRange(file: FileSystemFile, range: ByteRange): Promise<Uint8Array | 'folder'> {
  const lengthBytes = range.end - range.start
  if (lengthBytes === 0 || lengthBytes > trustedRangeBytes) {
    const stats = await file.stat()
    if (stats.isDirectory()) return 'folder'
    assertRange(range, stats.size)
  }
  const bytes = new Uint8Array(lengthBytes)
  const readBytes = await fill(file, bytes, range.start)
  if (readBytes === lengthBytes) return bytes
  assertRange(range, (await file.stat()).size)
  throw new Error(`bytes ${range.start} to ${range.end} ended after ${readBytes}`)
}
