import type { RewriteOptions, StraightCopy, Transcript } from '@palimpsest/core'
import { type LineBlock, lineEnd } from '../lines.ts'
import { sourceOf } from '../part-source.ts'
import { type LineSink, walkLines } from './entries.ts'
import type { DecodedEntry } from './entry-decoder.ts'
import { currentVersion, type PiHeader, piHeader } from './format.ts'
import { digitsOf, wordOf } from './line-head.ts'
import { headerLine } from './rewrite.ts'

const lineFeed = Uint8Array.of(0x0a)

/**
 * Copies a session of version 3 in one pass where its every line but the header is an entry that hangs off the line before it and can stay as it
 * is, and the last is the leaf: then the way to the leaf is the whole session, and no label stands elsewhere. What this gives is what `rewritePi`
 * would give. It stops at the first line that shows that it isn't so; a name, or a prompt to leave out, needs more than this from the start.
 */
export async function copyStraightPi(transcript: Transcript, options: RewriteOptions, copy: StraightCopy): Promise<boolean> {
  const isMore = options.dropUnanswered === true || (options.name ?? '').trim() !== ''
  const source = isMore ? undefined : await sourceOf(transcript, 'main')
  if (source === undefined) return false
  const way = straightWay(copy, (header) => headerLine(header, transcript.path, options), options.sessionId)
  let isEnded = true
  await walkLines(source, way.lines, {
    part: 'main',
    signal: options.signal,
    wellFormed: options.wellFormed,
    async behind(block) {
      if (!way.isStraight() || isCut(block)) return false
      isEnded = block.bytes.at(-1) === lineFeed[0]
      const made = way.takeHeader()
      if (made !== undefined) await copy.made(made)
      await copy.copied(made === undefined ? block.bytes : block.bytes.subarray(lineEnd(block, 0)))
      return true
    },
  })
  if (!way.isStraight() || way.latestId() !== options.leafId) return false
  if (!isEnded) await copy.copied(lineFeed)
  return true
}

/** Follows the way from the header on, and hands its lines on. */
function straightWay({ sink }: StraightCopy, lineOf: (header: PiHeader) => Uint8Array, sessionId: string) {
  let isStraight = true
  let made: Uint8Array | undefined
  let oldId: string | undefined
  let oldWord: number | undefined
  // The entry before, by its id, or by the 32 bits of it.
  let latestId: string | undefined
  let latestWord: number | undefined
  const begin = (line: DecodedEntry): void => {
    const header = piHeader(line.value)
    isStraight = header?.version === currentVersion
    if (header === undefined || !isStraight) return
    made = lineOf(header)
    oldId = line.indexed.id
    oldWord = wordOf(oldId)
    sink.line({ ...line.indexed, id: sessionId })
  }
  const follow = ({ indexed, verbatim }: DecodedEntry): void => {
    const { id, parentId } = indexed
    isStraight &&= verbatim && indexed.kind !== 'header' && parentId === (latestWord === undefined ? latestId : digitsOf(latestWord))
    latestId = id
    latestWord = undefined
    sink.line(indexed)
  }
  const lines: LineSink = {
    line(line) {
      if ('kind' in line) isStraight = false
      else if (oldId === undefined && isStraight) begin(line)
      else follow(line)
    },
    message(message) {
      if (message.id === oldWord) return false
      latestWord ??= latestId === undefined ? undefined : wordOf(latestId)
      const isNext = message.hasParent ? message.parent === latestWord : latestId === undefined && latestWord === undefined
      if (oldId === undefined || !sink.message(message)) return false
      isStraight &&= isNext
      latestId = undefined
      latestWord = message.id
      return true
    },
    has: (id) => id === oldId || sink.has(id),
  }
  return {
    lines,
    isStraight: () => isStraight,
    latestId: () => (latestWord === undefined ? latestId : digitsOf(latestWord)),
    /** The new header, once. */
    takeHeader(): Uint8Array | undefined {
      const header = made
      made = undefined
      return header
    },
  }
}

/** A line that is too long to be held: only its beginning is there. */
function isCut({ bytes, start, end }: LineBlock): boolean {
  return bytes.length !== end - start
}
