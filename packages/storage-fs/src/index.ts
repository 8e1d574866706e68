export type { FileSystem, FileSystemFile, FileSystemStats } from './file-system.ts'
export { createFsStorage, type FsStorageOptions } from './fs-storage.ts'
