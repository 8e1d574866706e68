import { expect, test } from 'vitest'
import { writeSession } from '../src/session-file.ts'
import type { RewrittenPiece, TranscriptReader } from '../src/transcript.ts'
import type { TranscriptTarget } from '../src/transcript-target.ts'

const never = (): never => {
  throw new Error('it is not asked for that')
}

function readerOf(pieces: readonly RewrittenPiece[]): TranscriptReader {
  return {
    agent: 'pi',
    sidecars: never,
    detect: never,
    identify: never,
    entries: never,
    structure: never,
    entry: never,
    compactions: never,
    context: never,
    kept: never,
    place: never,
    inPlace: never,
    async *rewrite() {
      yield* pieces
    },
  }
}

test('a line that was changed and would not parse is refused, although the lines around it are known to; nothing is on its way afterwards', async () => {
  const copied = Buffer.from('{"copied":1}\n')
  const changed = Buffer.from('{"changed":}\n')
  let inFlight = 0
  const target: TranscriptTarget = {
    async write() {
      inFlight++
      await new Promise((resolve) => setTimeout(resolve, 5))
      inFlight--
    },
    cut: never,
    written: never,
    commit: never,
    discard: never,
  }
  const reader = readerOf([
    { part: 'main', bytes: new Uint8Array(copied), changed: [] },
    { part: 'main', bytes: Buffer.concat([copied, changed]), changed: [{ start: copied.length, end: copied.length + changed.length }] },
  ])
  const source = { async *parts() {} }
  const rewrite = { sessionId: 's', leafId: 'a', createdAt: 0, wellFormed: true }
  await expect(writeSession(reader, source, target, rewrite)).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
  expect(inFlight).toBe(0)
})
