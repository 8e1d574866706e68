import { createHash, randomUUID } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import {
  type AbortOptions,
  assertRange,
  type ByteRange,
  type Key,
  type ListOptions,
  maxRefBytes,
  pageLimit,
  parseKey,
  parsePrefix,
  type RefVersion,
  type Storage,
  StorageError,
} from '@palimpsest/core'

/** One mistake that an adapter's author may make. */
export type Defect =
  | 'put-overwrites'
  | 'put-looks-then-writes'
  | 'put-in-pieces'
  | 'swap-looks-then-writes'
  | 'version-is-digest'
  | 'read-goes-back'
  | 'null-for-absent'
  | 'delete-of-absent-throws'
  | 'empty-is-absent'
  | 'keeps-the-buffer'
  | 'copies-with-buffer-slice'
  | 'gives-the-buffer'
  | 'truncates-ranges'
  | 'lists-in-order-of-writing'
  | 'prefix-is-a-folder'
  | 'cursor-must-exist'
  | 'lists-own-writes-only'
  | 'any-limit'
  | 'ignores-signals'
  | 'wraps-the-reason'
  | 'works-after-close'
  | 'takes-any-key'
  | 'lower-cases-keys'
  | 'one-name-space'
  | 'throws-plain-errors'
  | 'names-own-changes-only'
  | 'names-before-the-swap'
  | 'believes-any-token'

type Ref = { readonly value: Uint8Array; readonly version: RefVersion }

/** What the instances share. */
export class Disk {
  readonly objects = new Map<string, Uint8Array>()
  readonly refs = new Map<string, Ref>()
  readonly earlier = new Map<string, Ref>()
  readonly id = randomUUID()
  /** The names of swapped refs, in order. */
  readonly swapped: Key[] = []
  swaps = 0
  reads = 0
}

/** A small, slow, sound adapter: every operation waits between its look and its act. With a defect, it is unsound in exactly that. */
export function createReferenceStorage(disk: Disk, defect?: Defect): Storage {
  let closed = false
  const own = new Set<string>()
  const error = (...[kind, message]: ConstructorParameters<typeof StorageError>) =>
    defect === 'throws-plain-errors' ? new Error(message) : new StorageError(kind, message)
  const keyOf = (text: string, kind: 'object' | 'ref'): Key => {
    if (defect === 'takes-any-key') return String(text) as Key
    const key = parseKey(defect === 'lower-cases-keys' && typeof text === 'string' ? text.toLowerCase() : text)
    if (defect === 'one-name-space' && kind === 'ref' && disk.objects.has(key)) throw error('unavailable', `${key} is an object`)
    return key
  }
  const enter = (options: AbortOptions | undefined) => {
    if (defect === 'wraps-the-reason' && options?.signal?.aborted === true)
      throw new StorageError('unavailable', 'aborted', { cause: options.signal.reason })
    if (defect !== 'ignores-signals') options?.signal?.throwIfAborted()
    if (closed && defect !== 'works-after-close') throw error('closed', 'closed')
  }
  const copyIn = (bytes: Uint8Array) => {
    if (defect === 'keeps-the-buffer') return bytes
    return defect === 'copies-with-buffer-slice' ? bytes.slice() : new Uint8Array(bytes)
  }
  const copyOut = (bytes: Uint8Array) => (defect === 'gives-the-buffer' ? bytes : new Uint8Array(bytes))
  const absent = () => (defect === 'null-for-absent' ? (null as unknown as undefined) : undefined)
  const page = (keys: Iterable<string>, prefix: string, options: ListOptions | undefined) => listed([...keys], prefix, options, defect)

  return {
    traits: { durable: true, sharedBy: 'process', maxObjectBytes: 64 * 1024 * 1024, tellsChanges: true },
    objects: {
      async put(key, bytes, options) {
        enter(options)
        const name = keyOf(key, 'object')
        if (bytes.byteLength > 64 * 1024 * 1024) throw error('too-large', 'too large')
        const copy = copyIn(bytes)
        const taken = disk.objects.has(name)
        await setImmediate()
        if (defect !== 'ignores-signals') options?.signal?.throwIfAborted()
        if (defect === 'put-looks-then-writes' ? taken : defect !== 'put-overwrites' && disk.objects.has(name)) return { created: false }
        own.add(name)
        if (defect === 'put-in-pieces') {
          disk.objects.set(name, copy.subarray(0, copy.byteLength / 2))
          await setImmediate()
        }
        disk.objects.set(name, copy)
        return { created: true }
      },
      async get(key, options) {
        enter(options)
        const bytes = disk.objects.get(keyOf(key, 'object'))
        if (bytes === undefined || (defect === 'empty-is-absent' && bytes.byteLength === 0)) return absent()
        const { range } = options ?? {}
        if (range === undefined) return copyOut(bytes)
        if (defect !== 'truncates-ranges') assertRange(range as ByteRange, bytes.byteLength)
        return bytes.slice(range.start, range.end)
      },
      async delete(keys, options) {
        enter(options)
        for (const key of keys.map((each) => keyOf(each, 'object'))) {
          if (!disk.objects.delete(key) && defect === 'delete-of-absent-throws') throw error('unavailable', `${key} is absent`)
        }
      },
      async list(prefix, options) {
        enter(options)
        const keys = [...disk.objects.keys()].filter((key) => defect !== 'lists-own-writes-only' || own.has(key))
        const { found, next } = page(keys, prefix, options)
        return { items: found.map((key) => ({ key, sizeBytes: disk.objects.get(key)?.byteLength ?? 0 })), ...next }
      },
    },
    refs: {
      async read(name, options) {
        enter(options)
        const key = keyOf(name, 'ref')
        disk.reads += 1
        const goesBack = defect === 'read-goes-back' && disk.reads % 3 === 0
        const ref = (goesBack ? disk.earlier.get(key) : undefined) ?? disk.refs.get(key)
        await setImmediate()
        return ref === undefined ? absent() : { value: copyOut(ref.value), version: ref.version }
      },
      async compareAndSwap(name, value, expected, options) {
        enter(options)
        const key = keyOf(name, 'ref')
        if (value.byteLength > maxRefBytes) throw error('too-large', 'too large')
        const copy = copyIn(value)
        const looked = disk.refs.get(key)
        if (defect === 'names-before-the-swap') {
          disk.swapped.push(key)
          // Long enough that a look at the changes falls between on every run.
          for (let turn = 0; turn < 20; turn += 1) await setImmediate()
        }
        await setImmediate()
        if (defect !== 'ignores-signals') options?.signal?.throwIfAborted()
        const current = defect === 'swap-looks-then-writes' ? looked : disk.refs.get(key)
        if (current?.version !== expected) return undefined
        disk.swaps += 1
        const digest = createHash('sha256').update(copy).digest('hex')
        const version = (defect === 'version-is-digest' ? digest : String(disk.swaps)) as RefVersion
        if (current !== undefined) disk.earlier.set(key, current)
        disk.refs.set(key, { value: copy, version })
        own.add(key)
        if (defect !== 'names-before-the-swap') disk.swapped.push(key)
        return version
      },
      async list(prefix, options) {
        enter(options)
        const { found, next } = page(disk.refs.keys(), prefix, options)
        return { items: found.map((name) => ({ name })), ...next }
      },
      async changes(since, options) {
        enter(options)
        const start = since?.startsWith(disk.id) === true ? Number(since.slice(disk.id.length)) : undefined
        const names = [...new Set(disk.swapped.slice(start))].filter((name) => defect !== 'names-own-changes-only' || own.has(name))
        return {
          names: start === undefined && defect !== 'believes-any-token' ? undefined : names,
          token: `${disk.id}${disk.swapped.length}`,
        }
      },
    },
    async open(options) {
      enter(options)
    },
    async close() {
      closed = true
    },
  }
}

function listed(keys: readonly string[], prefix: string, options: ListOptions | undefined, defect: Defect | undefined) {
  if (defect !== 'takes-any-key') parsePrefix(prefix)
  const limit = defect === 'any-limit' ? (options?.limit ?? 1000) : pageLimit(options)
  const { after } = options ?? {}
  if (after !== undefined && defect !== 'takes-any-key') parseKey(after)
  const within = (key: string) =>
    defect === 'prefix-is-a-folder'
      ? key === prefix || key.startsWith(prefix.endsWith('/') ? prefix : `${prefix}/`)
      : key.startsWith(prefix)
  const ordered = defect === 'lists-in-order-of-writing' ? keys : keys.toSorted()
  const matching = ordered.filter(within).map((key) => key as Key)
  const rest =
    defect === 'cursor-must-exist'
      ? matching.slice(after === undefined ? 0 : matching.indexOf(after) + 1)
      : matching.filter((key) => after === undefined || key > after)
  const found = rest.slice(0, limit)
  const last = found.at(-1)
  return { found, next: rest.length > limit && last !== undefined ? { next: last } : {} }
}
