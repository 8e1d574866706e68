import { type Key, type RefVersion, type Storage, StorageError } from '../../src/storage.ts'

/** A store in two maps that a test can look into and change. */
export interface TinyStorage extends Storage {
  readonly objectMap: Map<Key, Uint8Array>
  readonly refMap: Map<Key, { readonly value: Uint8Array; readonly version: RefVersion }>
}

/** Just enough of the port for tests of core alone; the adapters have their own suite. */
export function tinyStorage(): TinyStorage {
  const objectMap: TinyStorage['objectMap'] = new Map()
  const refMap: TinyStorage['refMap'] = new Map()
  let swaps = 0
  const listed = <Value>(map: ReadonlyMap<Key, Value>, prefix: string): [Key, Value][] =>
    [...map].filter(([key]) => key.startsWith(prefix)).sort(([left], [right]) => (left < right ? -1 : 1))
  return {
    objectMap,
    refMap,
    traits: { durable: false, sharedBy: 'process', maxObjectBytes: 2 ** 30 },
    objects: {
      async put(key, bytes) {
        if (objectMap.has(key)) return { created: false }
        objectMap.set(key, bytes.slice())
        return { created: true }
      },
      async get(key, options) {
        const bytes = objectMap.get(key)
        if (bytes === undefined || options?.range === undefined) return bytes?.slice()
        if (options.range.end > bytes.byteLength) throw new StorageError('range', 'beyond the end')
        return bytes.slice(options.range.start, options.range.end)
      },
      async delete(keys) {
        for (const key of keys) objectMap.delete(key)
      },
      async list(prefix) {
        return { items: listed(objectMap, prefix).map(([key, bytes]) => ({ key, sizeBytes: bytes.byteLength })) }
      },
    },
    refs: {
      async read(name) {
        return refMap.get(name)
      },
      async compareAndSwap(name, value, expected) {
        if (refMap.get(name)?.version !== expected) return undefined
        swaps += 1
        const version = `v${swaps}` as RefVersion
        refMap.set(name, { value: value.slice(), version })
        return version
      },
      async list(prefix) {
        return { items: listed(refMap, prefix).map(([name]) => ({ name })) }
      },
    },
    open: async () => undefined,
    close: async () => undefined,
  }
}
