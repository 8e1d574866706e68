import { CheckpointError, type IndexedEntry, type RewriteOptions, type RewrittenPiece, type Transcript } from '@palimpsest/core'
import { asString } from '../json-fields.ts'
import { jsonLine } from '../json-line.ts'
import { parseLine } from '../lines.ts'
import { type Branch, branchAt, malformed } from './branch.ts'
import { type PiIndex, readIndex } from './entries.ts'
import { readNote } from './entry-decoder.ts'
import { currentVersion, type PiHeader } from './format.ts'
import { unrecognised } from './identify.ts'
import { inPieces, type Segment } from './pieces.ts'
import { type NewIds, newIds, relinkedLine } from './relinked-line.ts'
import { type SourceWindow, windowOf } from './window.ts'

/**
 * A new session of version 3 whose last line is the leaf, since pi opens a session at its last line: a header that names the old session as
 * its parent, then the entries from the root to the leaf, byte for byte where they can stay so. The name, and labels that were set on
 * another branch, come as lines of their own before the last one, beside the path: pi takes names and labels from wherever they stand. Where
 * the leaf itself is a `session_info`, pi goes by its name. Everything is checked before the first byte is given.
 */
export async function* rewritePi(transcript: Transcript, options: RewriteOptions): AsyncGenerator<RewrittenPiece, void, undefined> {
  const index = await readIndex(transcript, options)
  if (index?.header === undefined) throw unrecognised(transcript.path)
  try {
    const { header, segments, window, isUnended } = await planOf(index, transcript.path, options)
    yield* inPieces(behindHeader(header, segments), window, options)
    if (isUnended) yield { part: 'main', bytes: lineFeed.slice(), changed: [] }
  } finally {
    // What was written is looked at next, and needs as much.
    index.free()
  }
}

/** What a new session is put together of. */
export interface RewritePlan {
  readonly header: Uint8Array
  readonly segments: Iterable<Segment>
  readonly window: SourceWindow
  /** The last line is one of the source's, and has no line feed there. */
  readonly isUnended: boolean
}

/** The plan for a session at a leaf. Throws `TRANSCRIPT_MALFORMED` where it can't stand there. */
export async function planOf(index: PiIndex, oldPath: string | undefined, options: RewriteOptions): Promise<RewritePlan> {
  const branch = branchAt(index, options)
  if ('problem' in branch) throw malformed(branch.problem, oldPath)
  const window = windowOf(index.source, options)
  const ids = newIds(index, branch.path)
  const beside = await linesBeside(index, branch, ids, options)
  const segments = segmentsOf(index, branch.path, {
    beside,
    isVerbatim: ids.isVerbatim,
    relinked: (entry) => relinked(window, entry, index.header?.version ?? currentVersion, ids),
  })
  const last = branch.path.at(-1) ?? -1
  const isLast = ids.isVerbatim(last) && index.endOf(last) === index.source.sizeBytes
  const isUnended = isLast && !(await endsWithLineFeed(index))
  return { header: headerLine(index.header, oldPath, options), segments, window, isUnended }
}

function* behindHeader(header: Uint8Array, segments: Iterable<Segment>): Generator<Segment, void, undefined> {
  yield { line: header }
  yield* segments
}

async function relinked(window: SourceWindow, entry: IndexedEntry, version: number, ids: NewIds): Promise<Uint8Array> {
  return relinkedLine(await window.read(entry.start, entry.end), entry, version, ids.of)
}

/** Lines that lie behind one another and stay as they are come as one range. */
function* segmentsOf(
  index: PiIndex,
  path: Int32Array,
  lines: {
    /** Before the last line of the path. */
    readonly beside: readonly Uint8Array[]
    isVerbatim(position: number): boolean
    relinked(entry: IndexedEntry): Promise<Uint8Array>
  },
): Generator<Segment, void, undefined> {
  let run: { start: number; end: number } | undefined
  for (let at = 0; at < path.length; at++) {
    const position = path[at] ?? -1
    if (at === path.length - 1 && lines.beside.length > 0) {
      if (run !== undefined) yield run
      run = undefined
      for (const line of lines.beside) yield { line }
    }
    if (lines.isVerbatim(position)) {
      const start = index.startOf(position) ?? 0
      const end = index.endOf(position) ?? start
      if (run?.end === start) run.end = end
      else {
        if (run !== undefined) yield run
        run = { start, end }
      }
      continue
    }
    if (run !== undefined) yield run
    run = undefined
    yield { line: lines.relinked(entryAt(index, position)) }
  }
  if (run !== undefined) yield run
}

/** The name and the labels: a twig at the entry before the last. */
async function linesBeside(index: PiIndex, { path, labels }: Branch, ids: NewIds, options: RewriteOptions): Promise<readonly Uint8Array[]> {
  const lines: Uint8Array[] = []
  const timestamp = new Date(options.createdAt).toISOString()
  const before = index.parentIdOf(path.at(-1) ?? -1)
  let parentId = before === undefined ? null : ids.of(before)
  for (const position of labels) {
    const entry = entryAt(index, position)
    const value = parseLine(await index.source.read(entry.start, entry.end, options)).value ?? {}
    const note = readNote(entry.note)
    const id = ids.unused()
    const targetId = 'targetId' in note ? ids.of(note.targetId) : undefined
    lines.push(
      jsonLine({ type: 'label', id, parentId, timestamp: asString(value['timestamp']) ?? timestamp, targetId, label: value['label'] }),
    )
    parentId = id
  }
  const name = options.name?.trim()
  if (name !== undefined && name !== '') lines.push(jsonLine({ type: 'session_info', id: ids.unused(), parentId, timestamp, name }))
  return lines
}

/** The first line of a new session. */
export function headerLine(header: PiHeader | undefined, oldPath: string | undefined, options: RewriteOptions): Uint8Array {
  const sameSession = header?.sessionId === options.sessionId
  return jsonLine({
    type: 'session',
    version: currentVersion,
    id: options.sessionId,
    timestamp: new Date(options.createdAt).toISOString(),
    cwd: header?.cwd,
    parentSession: sameSession ? header?.parentPath : (options.parent?.path ?? oldPath ?? options.parent?.sessionId),
  })
}

const lineFeed = new Uint8Array([0x0a])

async function endsWithLineFeed({ source }: PiIndex): Promise<boolean> {
  const [last] = await source.read(source.sizeBytes - 1, source.sizeBytes)
  return last === 0x0a
}

function entryAt(index: PiIndex, position: number): IndexedEntry {
  const entry = index.entry(position)
  if (entry !== undefined) return entry
  throw new CheckpointError('TRANSCRIPT_MALFORMED', `There is no entry at position ${position}.`, {})
}
