import { growingIndex, type RewriteOptions, type RewriteSink } from '@palimpsest/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { piReader } from '../src/index.ts'
import { all, assistant, bytesOf, header, type Line, opened, rewriteOptions, row, twoCompactions, user, versionOne } from './pi-sessions.ts'

const reader = piReader()
const hex = (number: number) => number.toString(16).padStart(8, '0')

/** A sink that keeps what it is given, and counts what is taken back. */
function keepingSink() {
  const index = growingIndex()
  let bytes: Buffer = Buffer.alloc(0)
  let bad = 0
  const cuts: number[] = []
  const sink: RewriteSink = {
    index,
    lines: {
      line(line) {
        if (line.kind === 'bad') bad += 1
        else index.add(line)
      },
      message: index.addMessage,
      has: (id) => index.positionOf(id) !== undefined,
    },
    write(more) {
      bytes = Buffer.concat([bytes, more])
      return undefined
    },
    async cut(sizeBytes) {
      expect(sizeBytes).toBeLessThanOrEqual(bytes.length)
      if (sizeBytes < bytes.length) cuts.push(bytes.length - sizeBytes)
      bytes = bytes.subarray(0, sizeBytes)
    },
  }
  return { sink, index, bytes: () => bytes, bad: () => bad, cuts }
}

async function written(bytes: Uint8Array, options: RewriteOptions): Promise<string> {
  try {
    return Buffer.concat((await all(reader.rewrite(await opened(bytes), options))).map((piece) => piece.bytes)).toString()
  } catch (error) {
    return String(error)
  }
}

async function writtenInto(bytes: Uint8Array, options: RewriteOptions) {
  const { sink, ...kept } = keepingSink()
  const into = reader.rewriteInto
  if (into === undefined) throw new Error('pi writes into a sink')
  try {
    const { isWhole } = await into(await opened(bytes), options, sink)
    return { text: kept.bytes().toString(), isWhole, cuts: kept.cuts, index: kept.index }
  } catch (error) {
    return { text: String(error), isWhole: false, cuts: kept.cuts, index: kept.index }
  }
}

/** What the structure of a session says without where its lines stand. */
async function shapesOf(bytes: Uint8Array): Promise<readonly unknown[]> {
  const lines = (await all(reader.structure(await opened(bytes)))).flat()
  return lines.filter(({ kind }) => kind !== 'header').map(({ start: _start, end: _end, ...shape }) => shape)
}

/** A long answer, so that a few lines are several blocks. */
const filler = 'x'.repeat(30_000)

const step = fc.record({
  /** How far back the parent stands: mostly it is the entry before. */
  back: fc.oneof({ weight: 9, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: -1, max: 6 }) }),
  kind: fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom('user', 'assistant', 'long') },
    { weight: 2, arbitrary: fc.constantFrom('label', 'model_change', 'compaction', 'side', 'leaf') },
    { weight: 1, arbitrary: fc.constantFrom('session', 'again', 'nameless', 'mark', 'numbered') },
  ),
})

function lineOf(kind: string, id: string, parentId: string | null, target: string): Line {
  switch (kind) {
    case 'user':
      return user(id, parentId)
    case 'assistant':
      return assistant(id, parentId)
    case 'long':
      return assistant(id, parentId, filler)
    case 'session':
      return header({ id: 'another' })
    case 'again':
      return user(target, parentId)
    case 'nameless':
      return { ...user(id, parentId), id: undefined }
    case 'numbered':
      return { ...user(id, parentId), parentId: 0 }
    case 'mark':
      return `\ufeff${JSON.stringify(user(id, parentId))}`
    case 'side':
      return { ...user(id, parentId), appendMode: 'side' }
    case 'compaction':
      return { ...row('compaction', id, parentId), summary: 's', firstKeptEntryId: target }
    default:
      return row(kind, id, parentId, { targetId: target, label: 'here' })
  }
}

const session = fc
  .record({ version: fc.constantFrom(3, 3, 3, 2, 1), steps: fc.array(step, { minLength: 1, maxLength: 40 }), isEnded: fc.boolean() })
  .map(({ version, steps, isEnded }) => {
    const idAt = (at: number) => (at % 7 === 5 ? `name-${at}` : hex(at + 10))
    const lines = steps.map(({ back, kind }, at) =>
      lineOf(kind, idAt(at), at - back < 0 ? null : idAt(at - back), idAt(Math.max(0, at - 2))),
    )
    return { bytes: bytesOf([header({ version }), ...lines], isEnded ? '\n' : ''), ids: steps.map((_step, at) => idAt(at)) }
  })

describe('a session that is written while it is read', () => {
  test('is the one that is written afterwards, at every leaf, named or not', async () => {
    let whole = 0
    let cut = 0
    await fc.assert(
      fc.asyncProperty(session, fc.nat(), fc.boolean(), fc.constantFrom(undefined, 'a name'), async ({ bytes, ids }, at, isLast, name) => {
        const leaf = (isLast ? ids.at(-1) : ids[at % ids.length]) ?? ''
        for (const dropUnanswered of [false, true]) {
          const options = { ...rewriteOptions(leaf), dropUnanswered, wellFormed: true, ...(name === undefined ? {} : { name }) }
          const into = await writtenInto(bytes, options)
          expect(into.text).toBe(await written(bytes, options))
          if (into.isWhole) {
            whole += 1
            const shapes = Array.from({ length: into.index.size }, (_, position) => into.index.entry(position))
            expect(await shapesOf(Buffer.from(into.text))).toEqual(
              shapes.filter((entry) => entry?.kind !== 'header').map((entry) => ({ ...entry, start: undefined, end: undefined })),
            )
          }
          cut += into.cuts.length
        }
      }),
      { numRuns: 150 },
    )
    // Else the property would say nothing of what it is about.
    expect(whole).toBeGreaterThan(5)
    expect(cut).toBeGreaterThan(5)
  })

  test('takes nothing back where every line hangs off the one before it', async () => {
    const lines = twoCompactions()
    const into = await writtenInto(bytesOf(lines), { ...rewriteOptions('a4'), wellFormed: true })
    expect(into).toMatchObject({ isWhole: true, cuts: [] })
    expect(into.text.split('\n').slice(1)).toEqual(Buffer.from(bytesOf(lines)).toString().split('\n').slice(1))
  })

  test('has no more than the way to the leaf where lines stand behind it', async () => {
    const into = await writtenInto(bytesOf(twoCompactions()), { ...rewriteOptions('a3'), wellFormed: true })
    expect(into.isWhole).toBe(false)
    expect(into.text).toBe(await written(bytesOf(twoCompactions()), rewriteOptions('a3')))
  })

  test('of version 1 gets its ids, and nothing of it is copied as it is', async () => {
    const bytes = bytesOf(versionOne())
    const leaf = 'L7'
    const into = await writtenInto(bytes, { ...rewriteOptions(leaf), wellFormed: true })
    expect(into).toMatchObject({ isWhole: false, text: await written(bytes, rewriteOptions(leaf)) })
    expect(into.text).toContain('"version":3')
  })
})
