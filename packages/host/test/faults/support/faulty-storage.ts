import { type Storage, StorageError } from '@palimpsest/core'

/** A call of the storage port. */
export interface PortCall {
  readonly name: 'put' | 'get' | 'delete' | 'list' | 'read' | 'compareAndSwap' | 'list refs'
  readonly key: string
}

/**
 * What becomes of a call: `fails`: it is refused or fails, and nothing was done · `is lost`: it is done, and its answer never comes · `dies`: the
 * process ends before it, so that neither it nor anything after it happens.
 */
export type Fault =
  | { readonly kind: 'fails'; readonly with: 'refused' | 'unavailable' }
  | { readonly kind: 'is lost' }
  | { readonly kind: 'dies' }

/** A storage of which one call goes wrong. */
export interface FaultyStorage {
  readonly storage: Storage
  /** The call that went wrong, once it has. */
  met(): PortCall | undefined
  /** All calls so far. */
  calls(): readonly PortCall[]
  /** Resolves when the process has died. */
  readonly died: Promise<'died'>
  /** Ends what a dead process left hanging, so that this one gives back what it holds; the store is still out of its reach. */
  bury(): void
}

/** Whether a call changes the store. */
export function isWrite({ name }: PortCall): boolean {
  return name === 'put' || name === 'compareAndSwap' || name === 'delete'
}

/** A storage whose call number `at`, from 1, goes wrong; none does when `at` is 0. */
export function faultyStorage(storage: Storage, at: number, fault: Fault): FaultyStorage {
  const calls: PortCall[] = []
  let met: PortCall | undefined
  let die: (word: 'died') => void = () => undefined
  const died = new Promise<'died'>((resolve) => {
    die = resolve
  })
  let bury: () => void = () => undefined
  const buried = new Promise<never>((_, reject) => {
    bury = () => reject(new Error('This process is dead.'))
  })
  buried.catch(() => undefined)
  const call = async <Result>(name: PortCall['name'], key: string, run: () => Promise<Result>): Promise<Result> => {
    const number = calls.push({ name, key })
    if (number === at) met = { name, key }
    if (met !== undefined && fault.kind === 'dies') {
      die('died')
      return buried
    }
    if (number !== at) return run()
    if (fault.kind === 'is lost') await run()
    throw new StorageError(fault.kind === 'fails' ? fault.with : 'unavailable', 'Made for a test.')
  }
  return {
    met: () => met,
    calls: () => calls,
    died,
    bury,
    storage: {
      traits: storage.traits,
      open: (options) => storage.open(options),
      close: () => storage.close(),
      objects: {
        put: (key, ...rest) => call('put', key, () => storage.objects.put(key, ...rest)),
        get: (key, options) => call('get', key, () => storage.objects.get(key, options)),
        delete: (keys, options) => call('delete', keys.join(' '), () => storage.objects.delete(keys, options)),
        list: (prefix, options) => call('list', prefix, () => storage.objects.list(prefix, options)),
      },
      refs: {
        read: (name, options) => call('read', name, () => storage.refs.read(name, options)),
        compareAndSwap: (name, ...rest) => call('compareAndSwap', name, () => storage.refs.compareAndSwap(name, ...rest)),
        list: (prefix, options) => call('list refs', prefix, () => storage.refs.list(prefix, options)),
      },
    },
  }
}

/** A storage of which the answer to every `nth` swap that was made is lost. */
export function losingAnswers(storage: Storage, nth: number): Storage {
  let swaps = 0
  return {
    traits: storage.traits,
    open: (options) => storage.open(options),
    close: () => storage.close(),
    objects: storage.objects,
    refs: {
      ...storage.refs,
      async compareAndSwap(...call) {
        const version = await storage.refs.compareAndSwap(...call)
        if (version !== undefined) swaps += 1
        if (version !== undefined && swaps % nth === 0) throw new StorageError('unavailable', 'The answer was lost.')
        return version
      },
    },
  }
}
