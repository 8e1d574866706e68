import { sha256 } from './digest.ts'
import type { Ledger, Tail } from './ledger.ts'
import type { PrefixMatch } from './prefix-match.ts'
import type { AbortOptions } from './storage.ts'
import { streamEnd, streamsOf } from './stream.ts'
import type { FileIdentity, TranscriptSource } from './transcript.ts'

const tailBytes = 64 * 1024

/** By what a file that has only grown is recognised the next time, without reading all of it: which file it is, and its last 64 KiB. */
export async function tailOf(
  source: TranscriptSource,
  identity: FileIdentity | undefined,
  position: { readonly stream: number; readonly bytes: number; readonly lines: number },
  options: AbortOptions,
): Promise<Tail | undefined> {
  const file = fileOf(identity)
  if (file === undefined) return undefined
  const { stream, bytes, lines } = position
  return { file, stream, bytes, lines, digest: await tailDigest(source, bytes, options) }
}

/**
 * How much of the main part is stored, if the file is the one that was captured last and its bytes before that capture's end still end as they
 * did. Blind to a rewrite that keeps the file, its length and those 64 KiB; the whole check of a scan or of the session's end is not.
 * `undefined`: not recognised, so that everything has to be compared.
 */
export async function recogniseTail(
  ledger: Ledger,
  content: { readonly source: TranscriptSource; readonly endBytes: number },
  identity: FileIdentity | undefined,
  options: AbortOptions,
): Promise<PrefixMatch | undefined> {
  const { tail } = ledger
  if (tail === undefined || tail.file !== fileOf(identity) || content.endBytes < tail.bytes || tail.bytes === 0) return undefined
  const stream = streamsOf(ledger, 'main')[tail.stream]
  if (stream === undefined || streamEnd(stream).bytes !== tail.bytes) return undefined
  if ((await tailDigest(content.source, tail.bytes, options)) !== tail.digest) return undefined
  const kind = content.endBytes === tail.bytes ? 'whole' : 'append'
  return { kind, stream: tail.stream, bytes: tail.bytes, lines: tail.lines }
}

async function tailDigest(source: TranscriptSource, bytes: number, options: AbortOptions): Promise<string> {
  return sha256(await source.read(Math.max(0, bytes - tailBytes), bytes, options))
}

function fileOf(identity: FileIdentity | undefined): string | undefined {
  if (identity?.host === undefined) return undefined
  return `${identity.host} ${identity.device} ${identity.inode}`
}
