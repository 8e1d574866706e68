import type { TranscriptFiles } from '@palimpsest/core'
import { geminiDocument } from '../gemini/document.ts'
import { openCodeTranscript } from '../opencode/origin.ts'
import { appendToFile, replaceFile } from './existing-file.ts'
import { stateOfFiles } from './file-state.ts'
import { fileTranscript } from './file-transcript.ts'
import { createNewFile } from './new-file.ts'

/**
 * The files of agents on this machine's disk, the sessions that lie in a database there (`openCodeTranscript` says how a path names one), and those that
 * are one document (`geminiDocument`).
 * Errors are `CheckpointError`s, those of the file system as their cause.
 */
export function nodeTranscriptFiles(): TranscriptFiles {
  return {
    origin: (path) => openCodeTranscript(path) ?? geminiDocument(path) ?? fileTranscript(path),
    state: stateOfFiles,
    create: (placement, options) => createNewFile(placement, options ?? {}),
    replace: replaceFile,
    append: appendToFile,
  }
}
