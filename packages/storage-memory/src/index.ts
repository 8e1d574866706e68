export { createMemoryStorage, createMemoryStore, type MemoryStorageOptions, type MemoryStore } from './memory-storage.ts'
