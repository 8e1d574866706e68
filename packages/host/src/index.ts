// The complete public surface of @palimpsest/host. Whatever is named here is public API, so name it one by one.

export type { Configuration, ConfigurationSource } from './configuration.ts'
export { type FindOptions, type FindProblem, type FoundTranscript, findTranscripts } from './find-transcripts.ts'
export { type Host, type HostOptions, openHost } from './host.ts'
export type { ScanMemory, Seen, SeenFiles, SeenState } from './scan-memory.ts'
export type { StorageLocation } from './storage-url.ts'
