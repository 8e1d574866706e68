// The complete public surface of @palimpsest/conformance. Whatever is named here is public API, so name it one by one.

export type { ReaderCase, ReaderCaseContext, ReaderCaseGroup, ReaderSample } from './reader-case.ts'
export { readerCases } from './reader-cases/index.ts'
export { type CaseReport, type ConformanceReport, runStorageCases } from './report.ts'
export {
  type OpenStorage,
  type StorageCase,
  type StorageCaseContext,
  type StorageCaseGroup,
  type StorageNeeds,
  unmetNeeds,
  withStorageContext,
} from './storage-case.ts'
export { storageCases } from './storage-cases/index.ts'
export { testReader } from './test-reader.ts'
export { type TestFunction, testStorage } from './test-storage.ts'
