import { type Key, type ObjectStore, type RefStore, type Storage, StorageError } from '@palimpsest/core'
// @boundaries-ignore a ledger is damaged and fenced by hand, which no public function does
import { decodeLedger, encodeLedger, type Ledger } from '../../../../core/src/ledger.ts'

/** The same storage with some of its operations replaced. */
export function altered(storage: Storage, by: { objects?: Partial<ObjectStore>; refs?: Partial<RefStore> }): Storage {
  return {
    traits: storage.traits,
    open: (options) => storage.open(options),
    close: () => storage.close(),
    objects: { ...storage.objects, ...by.objects },
    refs: { ...storage.refs, ...by.refs },
  }
}

export interface Calls {
  readonly objects: { put: number; get: number; delete: number; list: number }
  readonly refs: { read: number; compareAndSwap: number; list: number }
}

/** The same storage, and how often it was called. */
export function counting(storage: Storage): { readonly storage: Storage; calls(): Calls } {
  const counted = { put: 0, get: 0, delete: 0, objectList: 0, read: 0, compareAndSwap: 0, refList: 0 }
  const wrapped = altered(storage, {
    objects: {
      put: (...call) => {
        counted.put += 1
        return storage.objects.put(...call)
      },
      get: (...call) => {
        counted.get += 1
        return storage.objects.get(...call)
      },
      delete: (...call) => {
        counted.delete += 1
        return storage.objects.delete(...call)
      },
      list: (...call) => {
        counted.objectList += 1
        return storage.objects.list(...call)
      },
    },
    refs: {
      read: (...call) => {
        counted.read += 1
        return storage.refs.read(...call)
      },
      compareAndSwap: (...call) => {
        counted.compareAndSwap += 1
        return storage.refs.compareAndSwap(...call)
      },
      list: (...call) => {
        counted.refList += 1
        return storage.refs.list(...call)
      },
    },
  })
  return {
    storage: wrapped,
    calls: () => ({
      objects: { put: counted.put, get: counted.get, delete: counted.delete, list: counted.objectList },
      refs: { read: counted.read, compareAndSwap: counted.compareAndSwap, list: counted.refList },
    }),
  }
}

/** Storage that can be read and not written. */
export function readOnly(storage: Storage): Storage {
  const refuse = async (): Promise<never> => {
    throw new StorageError('refused', 'The store is read-only.')
  }
  return altered(storage, { objects: { put: refuse, delete: refuse }, refs: { compareAndSwap: refuse } })
}

/** Replaces the bytes under a key, which the port does not allow in one step. */
export async function replaceObject(storage: Storage, key: Key, change: (bytes: Uint8Array) => Uint8Array): Promise<void> {
  const bytes = await storage.objects.get(key)
  if (bytes === undefined) throw new Error(`There is no object ${key}.`)
  await storage.objects.delete([key])
  await storage.objects.put(key, change(bytes))
}

/** The ledger under a name. */
export async function ledgerOf(storage: Storage, name: Key): Promise<Ledger> {
  const found = await storage.refs.read(name)
  if (found === undefined) throw new Error(`There is no ledger ${name}.`)
  return decodeLedger(name, found.value)
}

/** Swaps another value into a ref, whatever it is. */
export async function overwriteRef(storage: Storage, name: Key, value: Uint8Array): Promise<void> {
  const found = await storage.refs.read(name)
  if ((await storage.refs.compareAndSwap(name, value, found?.version)) === undefined) throw new Error(`${name} was changed meanwhile.`)
}

/** Swaps a changed ledger in. */
export async function changeLedgerBy(storage: Storage, name: Key, change: (ledger: Ledger) => Ledger): Promise<void> {
  await overwriteRef(storage, name, encodeLedger(change(await ledgerOf(storage, name))))
}
