import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { type Key, parseKey, type RefChanges } from '@palimpsest/core'
import { type FileSystemFile, type FileSystemStats, hasCode, statsOf } from './file-system.ts'
import { fileMode, fill, useFile } from './published-file.ts'
import type { StoreFolder } from './store-folder.ts'

const logName = 'changes'
const appendFlags = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)
const linePattern = /^\+([a-z0-9._/-]+) ([A-Za-z0-9_-]{12})$/
/** How the last line ends, in a text that may begin inside it. */
const endPattern = /(?:^|[^A-Za-z0-9_-])([A-Za-z0-9_-]{12})\n$/
const tokenPattern = /^(\d{1,15}) ([A-Za-z0-9_-]{12})$/
/** A nonce and its line feed. */
const endBytes = 13
const firstReadBytes = 64 * 1024
const appendTries = 20
/** A log is put away when it is longer, and a longer one is never believed: after a loss of power it may be back. */
const longestBytes = 16 * 1024 * 1024
// A number is too short for the inodes of Windows: writers could take another file for theirs. NTFS brings no old name back.
const isPutAway = process.platform !== 'win32'

/**
 * The names of swapped refs in the order in which their swaps ended, a line each: a plus, the name and a nonce, so that half a line and what others
 * append to it make no whole one. A line is appended and forced to the disk when its generation has its name and before the swap is acknowledged. A
 * token is a place in the file and the nonce of the line that ends there, so that it fits no other log, nor this one after a loss of power took its
 * end and others wrote on. Where there is no log, or one that can't be believed, any ref may have changed; so it may be deleted at any time, and its
 * own name need not be forced to the disk.
 */
export class ChangeLog {
  readonly #store: StoreFolder
  /** What the file was when it was read last, and the token of its end. */
  #lastRead: { readonly stamp: string; readonly token: string } | undefined

  constructor(store: StoreFolder) {
    this.#store = store
  }

  /** Tells readers of a change, durably: by a line, or where none can be appended, by taking the log away. Throws when neither can be done. */
  async append(name: Key): Promise<void> {
    const bytes = new TextEncoder().encode(`+${name} ${randomBytes(9).toString('base64url')}\n`)
    try {
      for (let tries = 0; tries < appendTries; tries += 1) {
        if (await this.#appendOnce(bytes)) return
      }
      throw new Error(`${this.#path} was replaced ${appendTries} times in a row`)
    } catch (error) {
      await this.#putAway().catch(() => {
        throw error
      })
      await this.#store.folders.sync('')
    }
  }

  /** See `RefStore.changes`. */
  async since(token: string | undefined): Promise<RefChanges> {
    // Asked again and again by a living service: most often nobody wrote meanwhile, and that takes one look.
    if (token !== undefined && token === this.#lastRead?.token) {
      const stats = await statsOf(this.#store.fs, this.#path)
      if (stats !== undefined && stampOf(stats) === this.#lastRead.stamp) return { names: [], token }
    }
    const known = tokenPattern.exec(token ?? '')
    const wanted = known === null ? undefined : Number(known[1]) - endBytes
    const read = await useFile(this.#store.fs, this.#path, (file) => readFrom(file, wanted))
    if (read === undefined || (isPutAway && read.sizeBytes > longestBytes)) return { names: undefined, token: undefined }
    const text = new TextDecoder('latin1').decode(read.bytes)
    const end = text.lastIndexOf('\n') + 1
    const nonce = endPattern.exec(text.slice(0, end))?.[1]
    const fits = known !== null && read.start === wanted && text.startsWith(`${known[2]}\n`)
    const names = fits ? namesIn(text.slice(endBytes, end)) : undefined
    if (nonce === undefined) return { names, token: undefined }
    const endToken = `${read.start + end} ${nonce}`
    this.#lastRead = { stamp: read.stamp, token: endToken }
    return { names, token: endToken }
  }

  get #path(): string {
    return this.#store.folders.path(logName)
  }

  /** Whether the line stands in the file that has the name: one that was put away meanwhile nobody reads. */
  async #appendOnce(bytes: Uint8Array): Promise<boolean> {
    const { fs } = this.#store
    const file = await fs.open(this.#path, appendFlags, fileMode)
    try {
      const { bytesWritten } = await file.write(bytes, 0, bytes.byteLength, null)
      if (bytesWritten < bytes.byteLength) throw new Error(`${bytesWritten} of ${bytes.byteLength} bytes were appended to ${this.#path}`)
      const [synced, ours, named] = await Promise.allSettled([file.sync(), file.stat(), statsOf(fs, this.#path)])
      if (synced.status === 'rejected') throw synced.reason
      if (ours.status === 'rejected') throw ours.reason
      if (named.status === 'rejected') throw named.reason
      if (named.value?.ino !== ours.value.ino) return false
      // What fails here a later swap does.
      if (isPutAway && ours.value.size > longestBytes) await this.#putAway().catch(() => undefined)
      return true
    } finally {
      await file.close()
    }
  }

  async #putAway(): Promise<void> {
    try {
      await this.#store.fs.unlink(this.#path)
    } catch (error) {
      if (!hasCode(error, 'ENOENT')) throw error
    }
  }
}

/** Differs once anything was appended, or another file has the name. */
function stampOf({ ino, size, mtimeMs }: FileSystemStats): string {
  return `${ino} ${size} ${mtimeMs}`
}

interface Piece {
  readonly stamp: string
  readonly sizeBytes: number
  readonly start: number
  readonly bytes: Uint8Array
}

/** The bytes from `wanted` on; from near the end where that lies outside the file, or nothing is wanted. Most often they are few: one read. */
async function readFrom(file: FileSystemFile, wanted: number | undefined): Promise<Piece> {
  const first = new Uint8Array(firstReadBytes)
  const [asked, began] = await Promise.allSettled([
    file.stat(),
    wanted === undefined || wanted < 0 ? undefined : file.read(first, 0, first.byteLength, wanted),
  ])
  if (asked.status === 'rejected') throw asked.reason
  if (began.status === 'rejected') throw began.reason
  const { size: sizeBytes } = asked.value
  const stamp = stampOf(asked.value)
  const start = wanted === undefined || wanted < 0 || wanted > sizeBytes ? Math.max(0, sizeBytes - firstReadBytes) : wanted
  const bytesRead = start === wanted ? (began.value?.bytesRead ?? 0) : 0
  if (start === wanted && bytesRead >= sizeBytes - start) return { stamp, sizeBytes, start, bytes: first.subarray(0, bytesRead) }
  const bytes = new Uint8Array(sizeBytes - start)
  return { stamp, sizeBytes, start, bytes: bytes.subarray(0, await fill(file, bytes, start)) }
}

/** Every name once; `undefined` where a line is none. */
function namesIn(lines: string): readonly Key[] | undefined {
  const names = new Set<string>()
  for (const line of lines.split('\n').slice(0, -1)) {
    const name = linePattern.exec(line)?.[1]
    if (name === undefined) return undefined
    names.add(name)
  }
  try {
    return [...names].map(parseKey)
  } catch {
    return undefined
  }
}
