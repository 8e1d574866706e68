import { closeSync, constants, fstatSync, lstatSync, openSync, readdirSync, readSync, statSync } from 'node:fs'
import { sessionName } from '@palimpsest/core'
import { sha256Of } from './sha256-of.ts'

/** The version of layout, ledgers and records that is understood. */
const layoutText = 'palimpsest-fs 1\n'
const formatVersion = 1
const lineFeed = 10
const maxRecordBytes = 64 * 1024 * 1024

/** Of a ledger what the fast path looks at. Its digest was checked, so that it is as it was written. */
export interface StoredLedger {
  readonly parts: Readonly<Record<string, { readonly streams: readonly StoredStream[] }>>
  readonly tail?: { readonly file: string; readonly stream: number; readonly bytes: number; readonly digest: string }
  readonly checkpoints: readonly StoredRow[]
  readonly pages: readonly unknown[]
}

/** A stream of a part: `open` are its chunks, whose fourth field is the raw bytes. */
interface StoredStream {
  readonly base?: { readonly bytes: number }
  readonly segments: readonly unknown[]
  readonly open: readonly (readonly [string, number, number, number, number, string])[]
}

/** A checkpoint in a ledger. */
export interface StoredRow {
  readonly id: string
  readonly createdAt: number
  readonly status: string
  readonly reason: string
  readonly origin: string
  readonly tokensBefore?: number
  readonly leafId: string
  readonly tipId?: string
  readonly prefixCheck?: string
  readonly boundaryId?: string
  readonly stream: number
  readonly bytes: number
  readonly record: string
  readonly commit: number
}

/** A session in a store, as far as it can be read at once. */
export interface StoredSession {
  /** `undefined` where the session has none. */
  readonly ledger: StoredLedger | undefined
  /** The names of the parts of a row's record; `undefined` when it is missing or damaged. */
  recordedParts(row: StoredRow): readonly string[] | undefined
}

/**
 * Reads a session's ledger from the folder of a store, synchronously, in the layout of `storage-fs` and the format of `docs/format.md`. `undefined`
 * for whatever is not exactly as expected: a store that is not there yet, a link in it, a newer format, damage. Then the engine looks itself.
 */
export function readStoredSession(folder: string, agent: string, sessionKey: string): StoredSession | undefined {
  try {
    const name = sessionName(agent, sessionKey).slice('sessions/'.length)
    if (statSync(folder, { throwIfNoEntry: false }) === undefined) return { ledger: undefined, recordedParts: () => undefined }
    if (readPublished(`${folder}/layout`).toString('latin1') !== layoutText) return undefined
    const format: unknown = JSON.parse(newestGeneration(folder, ['refs', 'fo=', 'format'])?.toString('utf8') ?? '{}')
    if (!isRecord(format) || format['format'] !== formatVersion) return undefined
    const bytes = newestGeneration(folder, ['refs', 'se=', 'sessions+', `${name.slice(0, 2)}=`, name])
    const ledger = bytes === undefined ? undefined : decodedLedger(bytes)
    if (bytes !== undefined && ledger === undefined) return undefined
    return { ledger, recordedParts: (row) => recordedParts(folder, name, row) }
  } catch {
    return undefined
  }
}

/** The newest value of a ref, without its line feed; `undefined` where there is none. Throws for anything unusual. */
function newestGeneration(folder: string, segments: readonly string[]): Buffer | undefined {
  const path = realFolder(folder, segments)
  if (path === undefined) return undefined
  const newest = readdirSync(path)
    .filter((name) => /^\d{12}$/.test(name))
    .sort()
    .at(-1)
  if (newest === undefined) return undefined
  const bytes = readPublished(`${path}/${newest}`)
  if (bytes.at(-1) !== lineFeed) throw new Error('The newest generation is not whole.')
  return bytes.subarray(0, -1)
}

/** The path of a folder in the store; `undefined` where it is absent. Throws when it is reached through a link. */
function realFolder(folder: string, segments: readonly string[]): string | undefined {
  let path = folder
  for (const segment of segments) {
    path = `${path}/${segment}`
    const stats = lstatSync(path, { throwIfNoEntry: false })
    if (stats === undefined) return undefined
    if (!stats.isDirectory()) throw new Error(`${path} is no folder.`)
  }
  return path
}

/** The bytes of a file that is never changed. Throws for a link or a folder. */
function readPublished(path: string): Buffer {
  const handle = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0))
  try {
    const stats = fstatSync(handle)
    if (!stats.isFile()) throw new Error(`${path} is no file.`)
    const bytes = Buffer.allocUnsafe(stats.size)
    readFully(handle, bytes, 0)
    return bytes
  } finally {
    closeSync(handle)
  }
}

/** Fills `bytes` from the byte `start` of a file on. Throws where it ends before. */
export function readFully(handle: number, bytes: Buffer, start: number): void {
  for (let at = 0; at < bytes.byteLength; ) {
    const count = readSync(handle, bytes, at, bytes.byteLength - at, start + at)
    if (count === 0) throw new Error('The file became shorter while it was read.')
    at += count
  }
}

function decodedLedger(bytes: Buffer): StoredLedger | undefined {
  const end = bytes.indexOf(lineFeed)
  const head: unknown = JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0)))
  const body = bytes.subarray(end + 1)
  if (!isRecord(head) || head['palimpsest'] !== formatVersion || head['kind'] !== 'ledger' || head['digest'] !== sha256Of(body))
    return undefined
  const ledger: unknown = JSON.parse(body.toString('utf8'))
  return isLedger(ledger) ? ledger : undefined
}

function recordedParts(folder: string, name: string, row: StoredRow): readonly string[] | undefined {
  try {
    const path = realFolder(folder, ['objects', 'sessions+', `${name}+`])
    if (path === undefined || !/^[a-z0-9-]+$/.test(row.record)) return undefined
    const bytes = readPublished(`${path}/${row.record}`)
    const end = bytes.indexOf(lineFeed)
    const head: unknown = JSON.parse(bytes.toString('utf8', 0, Math.max(end, 0)))
    if (!isRecord(head) || head['palimpsest'] !== formatVersion || head['kind'] !== 'record') return undefined
    const maxOutputLength = Number(head['rawBytes'])
    if (!(maxOutputLength > 0 && maxOutputLength <= maxRecordBytes)) return undefined
    // Loaded here, since most hooks never come this far and it takes milliseconds.
    const json = process.getBuiltinModule('node:zlib').zstdDecompressSync(bytes.subarray(end + 1), { maxOutputLength })
    if (json.byteLength !== maxOutputLength || sha256Of(json) !== head['digest']) return undefined
    const record: unknown = JSON.parse(json.toString('utf8'))
    if (!isRecord(record) || !Array.isArray(record['parts'])) return undefined
    return record['parts'].map((part: unknown) => String(isRecord(part) ? part['name'] : undefined))
  } catch {
    return undefined
  }
}

function isLedger(value: unknown): value is StoredLedger {
  return (
    isRecord(value) &&
    value['format'] === formatVersion &&
    isRecord(value['parts']) &&
    Array.isArray(value['checkpoints']) &&
    Array.isArray(value['pages'])
  )
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
