import { constants } from 'node:buffer'
import { lstat } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import { CheckpointError, type FileIdentity, type OpenTranscript, type TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript } from '../bytes-transcript.ts'
import { unreadable } from '../files/file-errors.ts'
import { identityOf, openRegularFile, readRange } from '../files/regular-file.ts'
import { asList, asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { isMetadata } from './format.ts'

/** Whether a file is named as clients before the log named theirs: `session-<minute>-<first 8 of the id>.json`. */
export function isGeminiDocumentName(name: string): boolean {
  return /^session-.+\.json$/.test(name)
}

/**
 * A session of an older Gemini CLI, one JSON document that is written anew at every turn (read in the source of 0.2x, whose later versions turn it into
 * a log when they resume it). It is given as the lines of such a log: what doesn't change, the messages in their order, and a last line with the
 * rest, so that the session's stream grows as the document does. Opening reads all of it. A file that is no such document is its own bytes.
 * `undefined` for a path with another name. Throws `TRANSCRIPT_UNREADABLE`, and `TRANSCRIPT_MALFORMED` for a document that was torn.
 */
export function geminiDocument(path: string): TranscriptOrigin | undefined {
  if (!isGeminiDocumentName(basename(path))) return undefined
  const file = resolve(path)
  return { path: file, open: (options) => openDocument(file, options?.signal) }
}

async function openDocument(path: string, signal: AbortSignal | undefined): Promise<OpenTranscript> {
  signal?.throwIfAborted()
  const { handle, identity } = await openRegularFile(path, { followLinks: true })
  let bytes: Uint8Array
  try {
    const { sizeBytes } = identity
    if (sizeBytes > constants.MAX_STRING_LENGTH) throw tooLarge(path, sizeBytes)
    bytes = await readRange(handle, path, { start: 0, end: sizeBytes, sizeBytes })
  } finally {
    await handle.close()
  }
  const isAsItWas = async () => isSame(identity, await stateOf(path))
  const opened = await bytesTranscript({ main: logOf(bytes, path) }, { path }).open()
  // What comes after the lines that were there is not appended to the file, but written with all of it.
  return { ...opened, files: [path], unchanged: isAsItWas, written: async () => !(await isAsItWas()) }
}

function logOf(bytes: Uint8Array, path: string): Uint8Array {
  const { value } = parseLine(bytes)
  if (value === undefined) {
    if (looksLikeDocument(bytes)) throw torn(path)
    return bytes
  }
  const { sessionId, projectHash, startTime, kind, messages, ...rest } = value
  const metadata: JsonRecord = { sessionId, projectHash, startTime, kind }
  if (!isMetadata(metadata) || !Array.isArray(messages)) return bytes
  const changing = Object.keys(rest).length === 0 ? [] : [{ $set: rest }]
  return Buffer.from([metadata, ...asList(messages), ...changing].map((line) => `${JSON.stringify(line)}\n`).join(''))
}

/** The client writes the session's id first, and is not done until it has written all. */
function looksLikeDocument(bytes: Uint8Array): boolean {
  return /^\s*\{\s*"sessionId"\s*:/.test(Buffer.from(bytes.subarray(0, 256)).toString('latin1'))
}

async function stateOf(path: string): Promise<FileIdentity | undefined> {
  try {
    return identityOf(await lstat(path, { bigint: true }))
  } catch (error) {
    if (asRecord(error)?.['code'] === 'ENOENT') return undefined
    throw unreadable(path, error)
  }
}

function isSame(before: FileIdentity, now: FileIdentity | undefined): boolean {
  return now?.inode === before.inode && now.sizeBytes === before.sizeBytes && now.modifiedAtMs === before.modifiedAtMs
}

function torn(path: string): CheckpointError {
  const message = `${path} is a session of Gemini CLI whose JSON is broken, or not all written yet. Scan again when its client is quiet; nothing of it was changed.`
  return new CheckpointError('TRANSCRIPT_MALFORMED', message, { path })
}

function tooLarge(path: string, sizeBytes: number): CheckpointError {
  const message = `${path} is one JSON document of ${sizeBytes} bytes, more than the ${constants.MAX_STRING_LENGTH} that can be read at once. Resume it in a later Gemini CLI, which turns it into a log.`
  return new CheckpointError('TRANSCRIPT_UNREADABLE', message, { path })
}
