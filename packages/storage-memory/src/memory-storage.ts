import { randomUUID } from 'node:crypto'
import {
  type AbortOptions,
  assertRange,
  type Key,
  type ListOptions,
  maxRefBytes,
  type ObjectStore,
  pageLimit,
  parseKey,
  parsePrefix,
  type RefStore,
  type RefVersion,
  type Storage,
  StorageError,
} from '@palimpsest/core'

/** The contents that several instances share. Opaque: made by `createMemoryStore`, read and changed through a `Storage` alone. */
export interface MemoryStore {
  readonly objects: Map<Key, Uint8Array>
  readonly refs: Map<Key, { readonly value: Uint8Array; readonly version: RefVersion }>
  /** Swaps ever made. It only grows, so that no version comes twice. */
  swaps: number
}

export interface MemoryStorageOptions {
  /** The store that this instance works on; by default one of its own. */
  readonly shared?: MemoryStore | undefined
  /** By default 1 GiB. */
  readonly maxObjectBytes?: number | undefined
}

/** An empty store, for instances that are to see each other's work: `createMemoryStorage({ shared })`. */
export function createMemoryStore(): MemoryStore {
  return { objects: new Map(), refs: new Map(), swaps: 0 }
}

/**
 * Storage in the memory of this process: the reference model of the port, which every other adapter is compared with. All promises of the
 * port but durability; what is stored goes with the last instance that shares it.
 */
export function createMemoryStorage(options: MemoryStorageOptions = {}): Storage {
  const store = options.shared ?? createMemoryStore()
  const maxObjectBytes = options.maxObjectBytes ?? 1024 ** 3
  let closed = false

  const admit: Admit = (call) => {
    call?.signal?.throwIfAborted()
    if (closed) throw new StorageError('closed', 'This storage was closed; create another instance.')
  }
  return {
    traits: { durable: false, sharedBy: 'process', maxObjectBytes, tellsChanges: true },
    objects: memoryObjects(store, maxObjectBytes, admit),
    refs: memoryRefs(store, admit),
    async open(call) {
      admit(call)
    },
    async close() {
      closed = true
    },
  }
}

/** Throws the signal's reason, or a `closed` error. */
type Admit = (call: AbortOptions | undefined) => void

function memoryObjects(store: MemoryStore, maxObjectBytes: number, admit: Admit): ObjectStore {
  return {
    async put(key, bytes, call) {
      admit(call)
      parseKey(key)
      if (bytes.byteLength > maxObjectBytes) throw tooLarge('An object', bytes.byteLength, maxObjectBytes)
      if (store.objects.has(key)) return { created: false }
      store.objects.set(key, new Uint8Array(bytes))
      return { created: true }
    },
    async get(key, call) {
      admit(call)
      parseKey(key)
      const range = call?.range
      if (range !== undefined) assertRange(range, maxObjectBytes)
      const bytes = store.objects.get(key)
      if (bytes === undefined || range === undefined) return bytes?.slice()
      assertRange(range, bytes.byteLength)
      return bytes.slice(range.start, range.end)
    },
    async delete(keys, call) {
      admit(call)
      for (const key of keys.map(parseKey)) store.objects.delete(key)
    },
    async list(prefix, call) {
      admit(call)
      const { entries, next } = page(store.objects, prefix, call)
      return { items: entries.map(([key, bytes]) => ({ key, sizeBytes: bytes.byteLength })), ...next }
    },
  }
}

function memoryRefs(store: MemoryStore, admit: Admit): RefStore {
  return {
    async read(name, call) {
      admit(call)
      const ref = store.refs.get(parseKey(name))
      return ref === undefined ? undefined : { value: ref.value.slice(), version: ref.version }
    },
    async compareAndSwap(name, value, expected, call) {
      admit(call)
      parseKey(name)
      if (value.byteLength > maxRefBytes) throw tooLarge('The value of a ref', value.byteLength, maxRefBytes)
      if (store.refs.get(name)?.version !== expected) return undefined
      store.swaps += 1
      const version = String(store.swaps) as RefVersion
      store.refs.set(name, { value: new Uint8Array(value), version })
      return version
    },
    async list(prefix, call) {
      admit(call)
      const { entries, next } = page(store.refs, prefix, call)
      return { items: entries.map(([name]) => ({ name })), ...next }
    },
    async changes(since, call) {
      admit(call)
      const id = idOf(store)
      const swaps = since?.startsWith(`${id} `) === true ? Number(since.slice(id.length + 1)) : undefined
      const changed = swaps === undefined ? undefined : [...store.refs].filter(([, ref]) => Number(ref.version) > swaps)
      return { names: changed?.map(([name]) => name), token: `${id} ${store.swaps}` }
    },
  }
}

const ids = new WeakMap<MemoryStore, string>()

/** Tells one store from another. */
function idOf(store: MemoryStore): string {
  const id = ids.get(store) ?? randomUUID()
  ids.set(store, id)
  return id
}

function page<Value>(values: ReadonlyMap<Key, Value>, prefix: string, options: ListOptions | undefined) {
  parsePrefix(prefix)
  const limit = pageLimit(options)
  const after = options?.after === undefined ? '' : parseKey(options.after)
  // Keys are ASCII, so that the order of strings is the order of bytes.
  const matching = [...values].filter(([key]) => key.startsWith(prefix) && key > after).sort(([a], [b]) => (a < b ? -1 : 1))
  const entries = matching.slice(0, limit)
  const last = entries.at(-1)?.[0]
  return { entries, next: matching.length > limit && last !== undefined ? { next: last } : {} }
}

function tooLarge(what: string, sizeBytes: number, limitBytes: number): StorageError {
  return new StorageError('too-large', `${what} is at most ${limitBytes} bytes here; these are ${sizeBytes}.`)
}
