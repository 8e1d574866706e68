import { z } from 'zod'
import { compress, decompress } from './compression.ts'
import type { Frame } from './compressor.ts'
import { sha256 } from './digest.ts'
import { CheckpointError } from './errors.ts'
import { formatVersion } from './format.ts'
import { jsonOf } from './json-bytes.ts'

const lineFeed = 10
const maxDocumentBytes = 64 * 1024 * 1024

const headerSchema = z.object({
  palimpsest: z.int(),
  kind: z.enum(['chunks', 'record', 'page', 'segment']),
  session: z.string(),
  agent: z.string().optional(),
  /** Of a document: bytes and digest of its JSON. */
  rawBytes: z.int().min(0).optional(),
  digest: z.string().optional(),
  /** Of chunks: part, stream, first byte, raw bytes, stored bytes, line feeds, digest of each, in order. */
  chunks: z.array(z.tuple([z.string(), z.int(), z.int(), z.int(), z.int(), z.int(), z.string()])).optional(),
})
/** What an object says of itself in its first line. */
export type ObjectHeader = z.infer<typeof headerSchema>
export type DocumentKind = 'record' | 'page' | 'segment'

/** A chunk as an object's header names it, so that a lost ledger can be rebuilt. */
export interface PackedChunk {
  readonly part: string
  readonly stream: number
  readonly firstByte: number
  readonly rawBytes: number
  readonly lines: number
  readonly digest: string
  readonly frame: Frame
}

/** An object of chunks: where each frame begins in it, and how long it is. */
export interface Packed {
  readonly bytes: Uint8Array
  readonly offsets: readonly number[]
  readonly sizes: readonly number[]
}

/** An object of chunks: a header line, then the frames one after the other. */
export function packChunks(session: string, chunks: readonly PackedChunk[]): Packed {
  const header: ObjectHeader = {
    palimpsest: formatVersion,
    kind: 'chunks',
    session,
    chunks: chunks.map((chunk) => [
      chunk.part,
      chunk.stream,
      chunk.firstByte,
      chunk.rawBytes,
      chunk.frame.sizeBytes,
      chunk.lines,
      chunk.digest,
    ]),
  }
  const head = headerLine(header)
  const offsets: number[] = []
  let size = head.byteLength
  for (const chunk of chunks) {
    offsets.push(size)
    size += chunk.frame.sizeBytes
  }
  const bytes = new Uint8Array(size)
  bytes.set(head, 0)
  let at = head.byteLength
  for (const piece of chunks.flatMap((chunk) => chunk.frame.pieces)) {
    bytes.set(piece, at)
    at += piece.byteLength
  }
  return { bytes, offsets, sizes: chunks.map((chunk) => chunk.frame.sizeBytes) }
}

/** A document object: a header line with the digest of its JSON, then that JSON as one frame. */
export async function packDocument(kind: DocumentKind, session: string, agent: string, value: unknown): Promise<Uint8Array> {
  const json = new TextEncoder().encode(JSON.stringify(value))
  const head = headerLine({ palimpsest: formatVersion, kind, session, agent, rawBytes: json.byteLength, digest: sha256(json) })
  const frame = await compress(json)
  const bytes = new Uint8Array(head.byteLength + frame.byteLength)
  bytes.set(head, 0)
  bytes.set(frame, head.byteLength)
  return bytes
}

/** The value of a document object. Throws `CHECKPOINT_CORRUPT` unless kind, size and digest are those of its header and `schema` accepts it. */
export async function unpackDocument<Value>(key: string, kind: DocumentKind, bytes: Uint8Array, schema: z.ZodType<Value>): Promise<Value> {
  const head = parseHeader(bytes)
  const header = head?.header
  if (header !== undefined && header.palimpsest > formatVersion) {
    throw new CheckpointError(
      'FORMAT_UNSUPPORTED',
      `${key} was written by a newer version of palimpsest (format ${header.palimpsest}). Upgrade palimpsest to read it.`,
      {
        found: header.palimpsest,
        supported: formatVersion,
      },
    )
  }
  if (head === undefined || header?.kind !== kind || header.rawBytes === undefined || header.rawBytes > maxDocumentBytes)
    throw corrupt(key, 'unreadable')
  const json = await decompress(bytes.subarray(head.sizeBytes), header.rawBytes).catch((cause: unknown) => {
    throw corrupt(key, 'digest', cause)
  })
  if (json.byteLength !== header.rawBytes || sha256(json) !== header.digest) throw corrupt(key, 'digest')
  const value = schema.safeParse(jsonOf(json))
  if (!value.success) throw corrupt(key, 'unreadable', value.error)
  return value.data
}

/** The header in the first bytes of an object, and how many bytes it takes with its line feed; `undefined` when there is none, or not a whole one. */
export function parseHeader(bytes: Uint8Array): { readonly header: ObjectHeader; readonly sizeBytes: number } | undefined {
  const end = bytes.indexOf(lineFeed)
  const parsed = end < 0 ? undefined : headerSchema.safeParse(jsonOf(bytes.subarray(0, end)))
  return parsed?.data === undefined ? undefined : { header: parsed.data, sizeBytes: end + 1 }
}

/** The error for an object that is not what was stored under its key. */
export function corrupt(key: string, problem: 'missing' | 'digest' | 'unreadable', cause?: unknown): CheckpointError<'CHECKPOINT_CORRUPT'> {
  const what = problem === 'missing' ? 'is missing' : problem === 'digest' ? 'is not what was stored' : 'cannot be read'
  return new CheckpointError(
    'CHECKPOINT_CORRUPT',
    `The stored object ${key} ${what}. Other checkpoints stay readable; where the agent still has the transcript, this mends it: palimpsest verify --repair`,
    { key, problem },
    cause === undefined ? undefined : { cause },
  )
}

function headerLine(header: ObjectHeader): Uint8Array {
  return new TextEncoder().encode(`${JSON.stringify(header)}\n`)
}
