import type { TranscriptFiles } from '@palimpsest/core'
import { appendToFile, replaceFile } from './existing-file.ts'
import { fileTranscript } from './file-transcript.ts'
import { createNewFile } from './new-file.ts'

/** The files of agents on this machine's disk. Errors are `CheckpointError`s, those of the file system as their cause. */
export function nodeTranscriptFiles(): TranscriptFiles {
  return {
    origin: fileTranscript,
    create: (placement, options) => createNewFile(placement, options ?? {}),
    replace: replaceFile,
    append: appendToFile,
  }
}
