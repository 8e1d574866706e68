import {
  type AbortOptions,
  CheckpointError,
  type IndexedEntry,
  type PartName,
  type RewriteOptions,
  type Transcript,
} from '@palimpsest/core'
import { asString } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import { type Branch, branchAt, malformed } from './branch.ts'
import { type PiIndex, readIndex } from './entries.ts'
import { readNote } from './entry-decoder.ts'
import { currentVersion } from './format.ts'
import { unrecognised } from './identify.ts'
import { type NewIds, newIds, relinkedLine } from './relinked-line.ts'
import { windowOf } from './window.ts'

const pieceBytes = 256 << 10

/**
 * A new session of version 3 whose last line is the leaf, since pi opens a session at its last line: a header that names the old session as
 * its parent, then the entries from the root to the leaf, byte for byte where they can stay so. The name, and labels that were set on
 * another branch, come as lines of their own before the last one, beside the path: pi takes names and labels from wherever they stand. Where
 * the leaf itself is a `session_info`, pi goes by its name. Everything is checked before the first byte is given.
 */
export async function* rewritePi(
  transcript: Transcript,
  options: RewriteOptions,
): AsyncGenerator<{ readonly part: PartName; readonly bytes: Uint8Array }, void, undefined> {
  const index = await readIndex(transcript, options)
  if (index?.header === undefined) throw unrecognised(transcript.path)
  const branch = branchAt(index, options)
  if ('problem' in branch) throw malformed(branch.problem, transcript.path)
  for await (const bytes of inPieces(newLines(index, branch, transcript.path, options), options)) yield { part: 'main', bytes }
}

async function* newLines(
  index: PiIndex,
  { path, labels }: Branch,
  oldPath: string | undefined,
  options: RewriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const window = windowOf(index.source, options)
  const version = index.header?.version ?? currentVersion
  const ids = newIds(index, path)
  yield jsonLine(newHeader(index, oldPath, options))
  for (const [at, position] of path.entries()) {
    const entry = entryAt(index, position)
    if (at === path.length - 1) yield* linesBeside(index, entry, labels, ids, options)
    if (!ids.isVerbatim(position)) {
      yield relinkedLine(await window.read(entry.start, entry.end), entry, version, ids.of)
      continue
    }
    yield* window.pieces(entry.start, entry.end)
    if (entry.end === index.source.sizeBytes && !(await endsWithLineFeed(index))) yield lineFeed
  }
}

/** The name and the labels: a twig at the entry before the last. */
async function* linesBeside(
  index: PiIndex,
  last: IndexedEntry,
  labels: readonly number[],
  ids: NewIds,
  options: RewriteOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  const timestamp = new Date(options.createdAt).toISOString()
  let parentId = last.parentId === undefined ? null : ids.of(last.parentId)
  for (const position of labels) {
    const entry = entryAt(index, position)
    const value = parseLine(await index.source.read(entry.start, entry.end, options)).value ?? {}
    const note = readNote(entry.note)
    const id = ids.unused()
    const targetId = 'targetId' in note ? ids.of(note.targetId) : undefined
    yield jsonLine({ type: 'label', id, parentId, timestamp: asString(value['timestamp']) ?? timestamp, targetId, label: value['label'] })
    parentId = id
  }
  const name = options.name?.trim()
  if (name !== undefined && name !== '') yield jsonLine({ type: 'session_info', id: ids.unused(), parentId, timestamp, name })
}

function newHeader(index: PiIndex, oldPath: string | undefined, options: RewriteOptions): object {
  const { header } = index
  const sameSession = header?.sessionId === options.sessionId
  return {
    type: 'session',
    version: currentVersion,
    id: options.sessionId,
    timestamp: new Date(options.createdAt).toISOString(),
    cwd: header?.cwd,
    parentSession: sameSession ? header?.parentPath : (options.parent?.path ?? oldPath ?? options.parent?.sessionId),
  }
}

/** Small lines together, large ones as they come. */
async function* inPieces(lines: AsyncIterable<Uint8Array>, { signal }: AbortOptions): AsyncGenerator<Uint8Array, void, undefined> {
  let waiting: Uint8Array[] = []
  let waitingBytes = 0
  for await (const line of lines) {
    signal?.throwIfAborted()
    waiting.push(line)
    waitingBytes += line.length
    if (waitingBytes < pieceBytes) continue
    yield Buffer.concat(waiting)
    waiting = []
    waitingBytes = 0
  }
  if (waitingBytes > 0) yield Buffer.concat(waiting)
}

const lineFeed = new Uint8Array([0x0a])

async function endsWithLineFeed({ source }: PiIndex): Promise<boolean> {
  const [last] = await source.read(source.sizeBytes - 1, source.sizeBytes)
  return last === 0x0a
}

function jsonLine(value: object): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(value)}\n`)
}

function entryAt(index: PiIndex, position: number): IndexedEntry {
  const entry = index.entry(position)
  if (entry !== undefined) return entry
  throw new CheckpointError('TRANSCRIPT_MALFORMED', `There is no entry at position ${position}.`, {})
}
