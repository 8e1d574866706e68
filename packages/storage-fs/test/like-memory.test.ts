import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Key, parseKey, type RefVersion, type Storage, StorageError } from '@palimpsest/core'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
// @boundaries-ignore the reference model that this adapter is compared with, in this test alone
import { createMemoryStorage } from '../../storage-memory/src/index.ts'
import { createFsStorage } from '../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
afterAll(() => rm(folder, { recursive: true }))

/** A storage, and the versions that it gave for each ref, in order. */
interface Subject {
  readonly storage: Storage
  readonly versions: Map<Key, RefVersion[]>
}

const keys = ['a', 'a/b', 'a/b/c', 'a-b', 'a.b', 'ab', 'ab/c', 'abc', 'b', 'b0', 'bb/aa', 'bb/ab', '_'].map(parseKey)
const key = fc.constantFrom(...keys)
const prefix = fc.constantFrom('', 'a', 'a/', 'ab', 'a/b', 'b', 'bb/', 'bb/a', 'c', 'abc')
const bytes = fc.uint8Array({ maxLength: 40 })
const limit = fc.option(fc.integer({ min: -1, max: 5 }), { nil: undefined })
const after = fc.option(key, { nil: undefined })

/** One step: what it does, as text for a failing run, and how; its result must be the same on both, versions aside. */
type Step = readonly [text: string, run: (subject: Subject) => Promise<unknown>]

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.tuple(key, bytes).map(([of, value]): Step => [`put ${of} ${value.length}`, ({ storage }) => storage.objects.put(of, value)]),
  key.map((of): Step => [`get ${of}`, ({ storage }) => storage.objects.get(of)]),
  fc
    .tuple(key, fc.integer({ min: -2, max: 45 }), fc.integer({ min: -2, max: 45 }))
    .map(([of, start, end]): Step => [`get ${of} ${start}-${end}`, ({ storage }) => storage.objects.get(of, { range: { start, end } })]),
  fc.array(key, { maxLength: 3 }).map((of): Step => [`delete ${of}`, ({ storage }) => storage.objects.delete(of)]),
  fc
    .tuple(prefix, after, limit)
    .map(
      ([of, from, most]): Step => [
        `list ${of} after ${from} ${most}`,
        ({ storage }) => storage.objects.list(of, { after: from, limit: most }),
      ],
    ),
  fc
    .tuple(prefix, after, limit)
    .map(
      ([of, from, most]): Step => [
        `list refs ${of} after ${from} ${most}`,
        ({ storage }) => storage.refs.list(of, { after: from, limit: most }),
      ],
    ),
  key.map((of): Step => [`read ${of}`, (subject) => readRef(subject, of)]),
  // Which version is expected: the newest, most often; an older one; or that the ref is absent.
  fc
    .tuple(key, bytes, fc.constantFrom(-1, -1, -1, -2, -3, 0, undefined))
    .map(([of, value, expected]): Step => [`swap ${of} at ${expected}`, (subject) => swapRef(subject, of, value, expected)]),
)

async function readRef({ storage, versions }: Subject, name: Key): Promise<unknown> {
  const read = await storage.refs.read(name)
  return read === undefined ? undefined : { value: read.value, at: versions.get(name)?.indexOf(read.version) }
}

async function swapRef({ storage, versions }: Subject, name: Key, value: Uint8Array, expected: number | undefined): Promise<unknown> {
  const known = versions.get(name) ?? []
  const version = await storage.refs.compareAndSwap(name, value, expected === undefined ? undefined : known.at(expected))
  if (version === undefined) return 'lost'
  expect(known).not.toContain(version)
  versions.set(name, [...known, version])
  return 'won'
}

async function resultOf(run: Step[1], subject: Subject): Promise<unknown> {
  try {
    return await run(subject)
  } catch (error) {
    if (error instanceof StorageError) return `refused: ${error.kind}`
    throw error
  }
}

test('any sequence of operations gives what it gives in memory', async () => {
  let runs = 0
  const steps = fc.array(step, { minLength: 5, maxLength: 40, size: 'max' })
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      runs += 1
      const model: Subject = { storage: createMemoryStorage(), versions: new Map() }
      const fs: Subject = { storage: createFsStorage({ folder: join(folder, String(runs)) }), versions: new Map() }
      for (const [text, run] of sequence) expect([text, await resultOf(run, fs)]).toEqual([text, await resultOf(run, model)])
      for (const [text, run] of everything) expect([text, await resultOf(run, fs)]).toEqual([text, await resultOf(run, model)])
    }),
    { numRuns: 25 },
  )
}, 60_000)

/** What is there at the end, as another instance would find it. */
const everything: readonly Step[] = [
  ['all objects', ({ storage }) => storage.objects.list('')],
  ['all refs', ({ storage }) => storage.refs.list('')],
  ...keys.map((each): Step => [`object ${each}`, ({ storage }) => storage.objects.get(each)]),
  ...keys.map((each): Step => [`ref ${each}`, (subject) => readRef(subject, each)]),
]
