import { type Key, maxRefBytes, pageLimit, parseKey, parsePrefix, type RefStore, type RefVersion, StorageError } from '@palimpsest/core'
import { ChangeLog } from './change-log.ts'
import { hasCode, removeQuietly } from './file-system.ts'
import { type KeyTree, keysOf, placeOf } from './key-paths.ts'
import { pageOf } from './listing.ts'
import { allDone } from './once.ts'
import type { Operate } from './operations.ts'
import { createEmpty, emptyPublished, readAll, useFile } from './published-file.ts'
import type { StoreFolder } from './store-folder.ts'

const tree: KeyTree = { root: 'refs', sharded: true }
const lineFeed = 10
const readTries = 100
const rememberedRefs = 10_000
/** How many generations keep their names, beside the newest. */
const namesKept = 64

/**
 * A ref is a folder of generations, numbered from 1; the highest number is its value. Each is a file that gets its name once, by a link:
 * whoever links generation N+1 has swapped generation N. A file is the value and a line feed, so that an empty value is not an empty file.
 *
 * When N is on the disk, N−2 is emptied, by renaming an empty file over it: two values stay, and a reader whose newest was emptied under its
 * hands lists again. Names must not become free while a writer is about to link one, so that they are removed only when 64 newer ones exist.
 * A writer so slow that 64 others went past between its look and its link could then link a removed name; it lists again after its link, and
 * finds itself 64 behind: it takes its file away, and says that the outcome is unknown. Readers never see that file, which is not the newest.
 * So no clock is needed, and a folder holds some 65 names however often the ref is swapped.
 */
export function fsRefs(store: StoreFolder, operate: Operate): RefStore {
  // Folders with a swap that failed, perhaps when its generation had its name but was not forced to the disk.
  const doubtful = new Set<string>()
  const log = new ChangeLog(store)
  const newest = new Newest()
  return {
    read: (name, options) =>
      operate(options, async () => {
        const folder = folderOf(parseKey(name))
        // Whoever looks what became of that swap may act on what it sees: it must outlive a loss of power.
        if (doubtful.has(folder) && (await store.folders.holds(folder))) {
          await allDone(store.folders.sync(folder), log.append(name))
          doubtful.delete(folder)
        }
        return readNewest(store, newest, folder, options?.signal)
      }),
    compareAndSwap: (name, value, expected, options) =>
      operate(options, async () => {
        const folder = folderOf(parseKey(name))
        if (value.byteLength > maxRefBytes)
          throw new StorageError('too-large', `The value of a ref is at most ${maxRefBytes} bytes; these are ${value.byteLength}.`)
        const bytes = new Uint8Array(value.byteLength + 1)
        bytes.set(value)
        bytes[value.byteLength] = lineFeed
        try {
          return await swap({ store, folder, bytes, expected, signal: options?.signal, hasName: () => log.append(name) })
        } catch (error) {
          doubtful.add(folder)
          throw error
        }
      }),
    list: (prefix, options) =>
      operate(options, async () => {
        const after = options?.after === undefined ? undefined : parseKey(options.after)
        const limit = pageLimit(options)
        const names = keysOf(tree, parsePrefix(prefix), after, (folder) => store.folders.names(folder))
        const itemOf = async (name: Key) => ((await hasGenerations(store, folderOf(name))) ? { name } : undefined)
        return pageOf(names, limit, itemOf, options?.signal)
      }),
    changes: (since, options) => operate(options, () => log.since(since)),
  }
}

/** The newest generation of each ref that was read, as it was then: most refs have not changed when they are read again. */
class Newest {
  readonly #generations = new Map<string, number>()

  get(folder: string): number | undefined {
    return this.#generations.get(folder)
  }

  set(folder: string, generation: number): void {
    if (this.#generations.size >= rememberedRefs) this.#generations.clear()
    this.#generations.set(folder, generation)
  }
}

async function readNewest(store: StoreFolder, remembered: Newest, folder: string, signal: AbortSignal | undefined) {
  const bytesOf = (generation: number) => useFile(store.fs, store.folders.path(`${folder}/${fileNameOf(generation)}`), readAll)
  for (let tries = 0; tries < readTries; tries += 1) {
    signal?.throwIfAborted()
    // A generation never changes but to be emptied: what is read of the likely one beside the look is right if the look says that it is the newest.
    const likely = tries === 0 ? remembered.get(folder) : undefined
    const [looked, early] = await Promise.allSettled([generationsIn(store, folder), likely === undefined ? undefined : bytesOf(likely)])
    if (looked.status === 'rejected') throw looked.reason
    const newest = looked.value.at(-1)
    if (newest === undefined) return undefined
    const bytes = newest === likely && early.status === 'fulfilled' ? early.value : await bytesOf(newest)
    if (bytes === undefined || bytes.byteLength === 0) continue
    if (bytes.at(-1) !== lineFeed) throw new Error(`generation ${newest} in ${store.folders.path(folder)} is torn`)
    remembered.set(folder, newest)
    return { value: bytes.subarray(0, -1), version: versionOf(newest) }
  }
  throw new Error(`the newest generation in ${store.folders.path(folder)} is empty`)
}

interface Swap {
  readonly store: StoreFolder
  readonly folder: string
  readonly bytes: Uint8Array
  readonly expected: RefVersion | undefined
  readonly signal: AbortSignal | undefined
  /** Runs when the new generation has its name, beside the wait for the disk. */
  readonly hasName: () => Promise<void>
}

async function swap({ store, folder, bytes, expected, signal, hasName }: Swap): Promise<RefVersion | undefined> {
  const current = (await generationsIn(store, folder)).at(-1)
  if ((current === undefined ? undefined : versionOf(current)) !== expected) return undefined
  const next = (current ?? 0) + 1
  let generations: readonly number[] = []
  const empty = store.temporary()
  const look = async () => {
    const emptied = next > 2 ? createEmpty(store.fs, empty).catch(() => undefined) : undefined
    generations = await generationsIn(store, folder)
    await emptied
  }
  const meanwhile = () => allDone(look(), hasName())
  if (!(await store.create({ folder, name: fileNameOf(next) }, bytes, { signal, meanwhile }))) return undefined
  const pathOf = (generation: number) => store.folders.path(`${folder}/${fileNameOf(generation)}`)
  if ((generations.at(-1) ?? next) >= next + namesKept) {
    await Promise.all([pathOf(next), empty].map((path) => removeQuietly(store.fs, path)))
    throw new Error(`other writers went ${namesKept} generations past this one; whether it was the next is unknown`)
  }
  // Housekeeping: what fails here is done by a later swap, or costs only room.
  const old = generations.filter((generation) => generation <= next - namesKept)
  await Promise.allSettled([
    next > 2 ? emptyPublished(store.fs, pathOf(next - 2), empty) : undefined,
    ...old.slice(0, namesKept).map((generation) => removeQuietly(store.fs, pathOf(generation))),
  ])
  return versionOf(next)
}

/** The numbers in the folder of a ref, ascending. */
async function generationsIn(store: StoreFolder, folder: string): Promise<readonly number[]> {
  return numbersAmong(await store.folders.names(folder)).sort((a, b) => a - b)
}

/** Whether a ref was ever written: its folder is made shortly before its first generation. */
async function hasGenerations(store: StoreFolder, folder: string): Promise<boolean> {
  try {
    return numbersAmong(await store.fs.readdir(store.folders.path(folder))).length > 0
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

function numbersAmong(names: readonly string[]): number[] {
  return names.filter((name) => /^\d{12}$/.test(name)).map(Number)
}

function folderOf(name: Key): string {
  const place = placeOf(tree, name)
  return `${place.folder}/${place.name}`
}

function fileNameOf(generation: number): string {
  return String(generation).padStart(12, '0')
}

function versionOf(generation: number): RefVersion {
  return String(generation) as RefVersion
}
