import type { AbortOptions, Key, Storage } from '@palimpsest/core'
import { utf8 } from './assertions.ts'

/** Every operation of the port as a call on one key, which holds an object and a ref. */
export const operations: Readonly<Record<string, (storage: Storage, key: Key, options?: AbortOptions) => Promise<unknown>>> = {
  put: (storage, key, options) => storage.objects.put(key, utf8('put'), options),
  get: (storage, key, options) => storage.objects.get(key, options),
  'get-range': (storage, key, options) => storage.objects.get(key, { ...options, range: { start: 0, end: 1 } }),
  delete: (storage, key, options) => storage.objects.delete([key], options),
  'objects-list': (storage, key, options) => storage.objects.list(key, options),
  read: (storage, key, options) => storage.refs.read(key, options),
  'compare-and-swap': (storage, key, options) => storage.refs.compareAndSwap(key, utf8('swap'), undefined, options),
  'refs-list': (storage, key, options) => storage.refs.list(key, options),
  open: (storage, _key, options) => storage.open(options),
}
