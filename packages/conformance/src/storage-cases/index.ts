import type { StorageCase } from '../storage-case.ts'
import { abortCases } from './abort.ts'
import { changeCases } from './changes.ts'
import { concurrencyCases } from './concurrency.ts'
import { keyCases } from './keys.ts'
import { lifecycleCases } from './lifecycle.ts'
import { listCases } from './lists.ts'
import { objectCases } from './objects.ts'
import { refCases } from './refs.ts'

/** The contract of a storage adapter, clause by clause. Ids are unique. */
export const storageCases: readonly StorageCase[] = [
  ...objectCases,
  ...listCases,
  ...keyCases,
  ...refCases,
  ...changeCases,
  ...concurrencyCases,
  ...abortCases,
  ...lifecycleCases,
]
