// The complete public surface of @palimpsest/search-sqlite. Whatever is named here is public API, so name it one by one.

export {
  busyCodes,
  busyTimeoutMs,
  createPrivately,
  deleteDerived,
  inodeOf,
  resultCode,
  statement,
  transaction,
} from './derived-file.ts'
export { createSqliteSearchIndex, type SqliteSearchIndexOptions } from './sqlite-search-index.ts'
