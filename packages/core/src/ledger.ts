import { z } from 'zod'
import { rowSchema } from './checkpoint.ts'
import { sha256 } from './digest.ts'
import { CheckpointError } from './errors.ts'
import { formatVersion } from './format.ts'
import { jsonOf } from './json-bytes.ts'
import { maxRefBytes } from './storage.ts'
import { corrupt } from './stored-object.ts'

const count = z.int().min(0)

/** object, offset, stored bytes, raw bytes, line feeds, digest */
const chunkSchema = z.tuple([z.string(), count, count, count, count, z.string()])

const streamSchema = z.object({
  /** The stream whose first `bytes` this one begins with; they end where one of its chunks does. */
  base: z.object({ stream: count, bytes: count, lines: count }).optional(),
  /** Chunks that were moved into objects of their own, in order. */
  segments: z.array(z.object({ object: z.string(), chunks: count, rawBytes: count, storedBytes: count, lines: count })),
  /** The chunks after them. */
  open: z.array(chunkSchema),
})

/** What a capture by the tail check is recognised by. */
const tailSchema = z.object({ file: z.string(), stream: count, bytes: count, lines: count, digest: z.string() })

/** An object of rows: how many, and of which time. */
const pageSchema = z.object({ object: z.string(), checkpoints: count, newestAt: count, oldestAt: count })

const ledgerSchema = z.object({
  format: z.int(),
  /** The last 32 commit ids, newest last. */
  commits: z.array(z.string()),
  commitCount: count,
  epoch: count,
  fence: count,
  agent: z.string(),
  sessionKey: z.string(),
  sessionId: z.string(),
  cwd: z.string().optional(),
  /** The session this one was branched from: what it inherited isn't imported again. */
  parentSessionId: z.string().optional(),
  parts: z.record(z.string(), z.object({ streams: z.array(streamSchema) })),
  /** How the file of the last capture ended. */
  tail: tailSchema.optional(),
  /** The newest, by `createdAt`, then id, newest first. */
  checkpoints: z.array(rowSchema),
  /** Older ones in objects of their own, newest first. */
  pages: z.array(pageSchema),
  /** Rows that were deleted, in the order of that: those that are not in pages. */
  trash: z.array(rowSchema),
  /** Those that were deleted before, 250 or less to each. */
  trashPages: z.array(pageSchema).optional(),
  /** Boundaries of checkpoints that are gone for good: an import passes over them. */
  removed: z.array(z.string()),
})

export type Chunk = z.infer<typeof chunkSchema>
export type Stream = z.infer<typeof streamSchema>
export type Tail = z.infer<typeof tailSchema>
/** A session's one mutable document: the chunks of its streams and its checkpoints. */
export type Ledger = z.infer<typeof ledgerSchema>

/** The document of a session that has nothing yet. */
export function emptyLedger(session: {
  agent: string
  sessionKey: string
  sessionId: string
  cwd?: string | undefined
  parentSessionId?: string | undefined
}): Ledger {
  return {
    format: formatVersion,
    commits: [],
    commitCount: 0,
    epoch: 0,
    fence: 0,
    agent: session.agent,
    sessionKey: session.sessionKey,
    sessionId: session.sessionId,
    ...(session.cwd === undefined ? {} : { cwd: session.cwd }),
    ...(session.parentSessionId === undefined ? {} : { parentSessionId: session.parentSessionId }),
    parts: {},
    checkpoints: [],
    pages: [],
    trash: [],
    removed: [],
  }
}

/** The bytes of a ledger: a line with the digest of its JSON, then that JSON. Throws `STORAGE_REFUSED` above the limit of a ref. */
export function encodeLedger(ledger: Ledger): Uint8Array {
  const json = new TextEncoder().encode(JSON.stringify(ledger))
  const head = new TextEncoder().encode(`${JSON.stringify({ palimpsest: ledger.format, kind: 'ledger', digest: sha256(json) })}\n`)
  if (head.byteLength + json.byteLength > maxRefBytes) {
    throw new CheckpointError(
      'STORAGE_REFUSED',
      'The ledger of this session grew over 1 MiB. Delete checkpoints that you no longer need.',
      {
        operation: 'write the ledger',
      },
    )
  }
  const bytes = new Uint8Array(head.byteLength + json.byteLength)
  bytes.set(head, 0)
  bytes.set(json, head.byteLength)
  return bytes
}

/** A ledger from its bytes. Throws `CHECKPOINT_CORRUPT` when they are damaged, `FORMAT_UNSUPPORTED` when they come from a newer version. */
export function decodeLedger(name: string, bytes: Uint8Array): Ledger {
  const end = bytes.indexOf(10)
  const head = z
    .object({ palimpsest: z.int(), kind: z.literal('ledger'), digest: z.string() })
    .safeParse(jsonOf(bytes.subarray(0, Math.max(end, 0))))
  if (!head.success) throw corrupt(name, 'unreadable', head.error)
  const body = bytes.subarray(end + 1)
  const isWhole = sha256(body) === head.data.digest
  const ledger = ledgerSchema.safeParse(isWhole ? jsonOf(body) : undefined)
  // A head that names another format than its whole body does is damaged, not newer.
  if (head.data.palimpsest > formatVersion && ledger.data?.format !== formatVersion) {
    throw new CheckpointError(
      'FORMAT_UNSUPPORTED',
      `The ledger ${name} was written by a newer version of palimpsest. Upgrade palimpsest; nothing was changed.`,
      { found: head.data.palimpsest, supported: formatVersion },
    )
  }
  if (!isWhole) throw corrupt(name, 'digest')
  if (!ledger.success || ledger.data.format !== head.data.palimpsest) throw corrupt(name, 'unreadable', ledger.error)
  return ledger.data
}
