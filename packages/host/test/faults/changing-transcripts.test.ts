import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { appendFile, mkdir, open, readFile, rename, rm, stat, symlink, truncate, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { Checkpoints, OpenTranscript, TranscriptOrigin, TranscriptPart } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { assertKept, assertReadsBack, bytesOf, type Kept } from './support/kept.ts'
import { raceTranscript } from './support/race.ts'
import { serviceOver } from './support/service.ts'

/** What happens to a file after somebody has looked at it and before it is opened. */
const betweenStatAndOpen = vi.hoisted(() => ({ path: '', happens: async (): Promise<void> => undefined }))

vi.mock('node:fs/promises', async (importOriginal) => {
  const actual = await importOriginal<typeof import('node:fs/promises')>()
  return {
    ...actual,
    open: async (...call: Parameters<typeof actual.open>) => {
      if (call[0] === betweenStatAndOpen.path) {
        betweenStatAndOpen.path = ''
        await betweenStatAndOpen.happens()
      }
      return actual.open(...call)
    },
  }
})

const first = raceTranscript(0, 0, 1)
const second = raceTranscript(0, 0, 4)
const third = raceTranscript(0, 0, 7)

interface Desk {
  readonly folder: string
  readonly path: string
  readonly service: Checkpoints
  /** A checkpoint of the first bytes. */
  readonly kept: Kept
}

/** A transcript that was captured and has grown since. */
async function desk(): Promise<Desk> {
  const folder = await temporaryFolder()
  const path = join(folder, 'session.jsonl')
  const service = serviceOver(createMemoryStorage(), folder)
  await writeFile(path, first)
  const { checkpoint } = await service.capture({ agent: 'pi', transcript: fileTranscript(path), reason: 'requested' })
  await writeFile(path, second)
  return { folder, path, service, kept: new Map([[checkpoint.id, { main: first }]]) }
}

/** The same transcript, to which something happens before its `at`th read, counted over all times that it is opened; from 1. */
function changing(
  origin: TranscriptOrigin,
  at: (read: number) => boolean,
  change: () => Promise<void>,
): { origin: TranscriptOrigin; reads(): number } {
  let reads = 0
  const beforeRead = async (): Promise<void> => {
    reads += 1
    if (at(reads)) await change()
  }
  const watched = (part: TranscriptPart): TranscriptPart => ({
    name: part.name,
    source: {
      sizeBytes: part.source.sizeBytes,
      async read(start, end, options) {
        await beforeRead()
        return part.source.read(start, end, options)
      },
    },
  })
  return {
    reads: () => reads,
    origin: {
      ...(origin.path === undefined ? {} : { path: origin.path }),
      async open(options) {
        const transcript: OpenTranscript = await origin.open(options)
        return {
          ...transcript,
          async *parts() {
            for await (const part of transcript.parts()) yield watched(part)
          },
          async unchanged() {
            await beforeRead()
            return transcript.unchanged()
          },
        }
      },
    },
  }
}

const request = (transcript: TranscriptOrigin) => ({ agent: 'pi', transcript, reason: 'requested' as const })

/** Another text of the same length. */
const sang = (bytes: Uint8Array, line: number): Buffer =>
  Buffer.from(Buffer.from(bytes).toString().replaceAll(`line ${line} of`, `tine ${line} of`))

/** Bytes written over others in the same file. */
async function overwrite(path: string, bytes: Uint8Array): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(bytes, 0, bytes.length, 0)
  await file.close()
}

async function replace(path: string, bytes: Uint8Array): Promise<void> {
  const other = `${path}.${randomUUID()}`
  await writeFile(other, bytes)
  await rename(other, path)
}

describe.each([
  { name: 'is appended to', change: (path: string) => appendFile(path, third.subarray(second.length)), becomes: [third] },
  { name: 'gets half a line', change: (path: string) => appendFile(path, third.subarray(second.length, second.length + 20)), becomes: [] },
  {
    name: 'is rewritten in place, as long as before',
    change: (path: string) => overwrite(path, sang(second, 3)),
    becomes: [sang(second, 3)],
  },
  { name: 'is truncated', change: (path: string) => truncate(path, first.length), becomes: [first] },
  { name: 'is rewritten and longer', change: (path: string) => writeFile(path, sang(third, 3)), becomes: [sang(third, 3)] },
  { name: 'is replaced by another file', change: (path: string) => replace(path, sang(third, 1)), becomes: [sang(third, 1)] },
  { name: 'is replaced by the same bytes', change: (path: string) => replace(path, second), becomes: [] },
  { name: 'is deleted', change: (path: string) => rm(path), becomes: [] },
])('a transcript that $name while it is captured', ({ change, becomes }) => {
  test('before any read of it is kept as it was or as it became, never a mixture', async () => {
    const counted = await desk()
    const undisturbed = changing(
      fileTranscript(counted.path),
      () => false,
      async () => undefined,
    )
    await counted.service.capture(request(undisturbed.origin))
    expect(undisturbed.reads()).toBeGreaterThan(3)
    for (let at = 1; at <= undisturbed.reads(); at += 1) {
      const { path, service, kept } = await desk()
      const { origin } = changing(
        fileTranscript(path),
        (read) => read === at,
        () => change(path),
      )
      const where = `at read ${at}`
      const outcome = await service.capture(request(origin)).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(outcome, where).toMatchObject({ code: 'TRANSCRIPT_UNREADABLE', message: expect.stringContaining(path) })
        expect((await service.list()).checkpoints, where).toHaveLength(1)
      } else {
        const { id } = (await service.list()).checkpoints[0] ?? { id: '' }
        const found = (await bytesOf(service, id)).toString()
        expect(
          [second, ...becomes].map((bytes) => Buffer.from(bytes).toString()),
          where,
        ).toContain(found)
        await assertReadsBack(service, id, { main: Buffer.from(found) }, where)
      }
      await assertKept(service, kept, where)
      await writeFile(path, third)
      const next = await service.capture(request(fileTranscript(path)))
      await assertReadsBack(service, next.checkpoint.id, { main: third }, `captured again, ${where}`)
    }
  })
})

test('a long transcript that is rewritten in place far from its end while it is captured is never kept as a mixture', async () => {
  const before = raceTranscript(0, 0, 100)
  const after = sang(sang(before, 3), 9)
  expect(after.lastIndexOf('tine')).toBeLessThan(before.length - 100_000)
  let reads = 3
  for (let at = 1; at <= reads; at += 1) {
    const { path, service, kept } = await desk()
    await writeFile(path, before)
    const longAgo = new Date(Date.now() - 60_000)
    await utimes(path, longAgo, longAgo)
    const changed = changing(
      fileTranscript(path),
      (read) => read === at,
      () => overwrite(path, after),
    )
    const { checkpoint } = await service.capture(request(changed.origin))
    if (at === 1) reads = changed.reads()
    const found = await bytesOf(service, checkpoint.id)
    expect(
      [before, after].some((bytes) => found.equals(bytes)),
      `at read ${at}`,
    ).toBe(true)
    await assertKept(service, kept, `at read ${at}`)
  }
})

test('a long transcript that is rewritten far from its end and grows while it is captured is never kept as a mixture', async () => {
  const before = raceTranscript(0, 0, 100)
  const after = sang(sang(raceTranscript(0, 0, 101), 3), 9)
  let reads = 3
  for (let at = 1; at <= reads; at += 1) {
    const { path, service, kept } = await desk()
    await writeFile(path, before)
    const changed = changing(
      fileTranscript(path),
      (read) => read === at,
      () => overwrite(path, after),
    )
    const { checkpoint } = await service.capture(request(changed.origin))
    if (at === 1) reads = changed.reads()
    const found = await bytesOf(service, checkpoint.id)
    expect
      .soft(
        [before, after, after.subarray(0, before.length)].some((bytes) => found.equals(bytes)),
        `at read ${at} of ${reads}`,
      )
      .toBe(true)
    await assertKept(service, kept, `at read ${at}`)
  }
})

test('a transcript that is rewritten each time it is read is a conflict that can be tried again', async () => {
  const { path, service, kept } = await desk()
  let times = 0
  const { origin } = changing(
    fileTranscript(path),
    () => true,
    async () => {
      times += 1
      await replace(path, sang(second, times % 8))
    },
  )
  await expect(service.capture(request(origin))).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT', retryable: true })
  await expect(service.import({ agent: 'pi', transcript: origin })).resolves.toMatchObject({ checkpointIds: [] })
  await assertKept(service, kept, 'afterwards')
  expect((await service.list()).checkpoints).toHaveLength(1)
})

describe('a file that becomes something else between the look at it and its opening', () => {
  test.each([
    ['nothing', async (path: string) => rm(path)],
    ['a pipe', async (path: string) => rm(path).then(() => execFileSync('mkfifo', [path]))],
    ['a folder', async (path: string) => rm(path).then(() => mkdir(path))],
  ])('%s, is not readable, at once', async (_name, become) => {
    const { path, service, kept } = await desk()
    Object.assign(betweenStatAndOpen, { path, happens: async () => void (await become(path)) })
    const startedAtMs = performance.now()
    await expect(service.capture(request(fileTranscript(path)))).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE', details: { path } })
    expect(performance.now() - startedAtMs).toBeLessThan(5000)
    await assertKept(service, kept, 'afterwards')
  })

  test('another file, is captured as that one', async () => {
    const { path, service, kept } = await desk()
    Object.assign(betweenStatAndOpen, { path, happens: () => replace(path, third) })
    const { checkpoint } = await service.capture(request(fileTranscript(path)))
    await assertReadsBack(service, checkpoint.id, { main: third }, 'afterwards')
    await assertKept(service, kept, 'afterwards')
  })
})

describe('a path', () => {
  test('that is a pipe or a folder is not readable, at once, and a link to a file is', async () => {
    const { folder, path, service } = await desk()
    execFileSync('mkfifo', [join(folder, 'pipe')])
    await expect(service.capture(request(fileTranscript(join(folder, 'pipe'))))).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await expect(service.import({ agent: 'pi', transcript: fileTranscript(folder) })).rejects.toMatchObject({
      code: 'TRANSCRIPT_UNREADABLE',
    })
    await symlink(path, join(folder, 'link'))
    const { checkpoint } = await service.capture(request(fileTranscript(join(folder, 'link'))))
    await assertReadsBack(service, checkpoint.id, { main: second }, 'by a link')
  })

  test('that is a link to another file by the end is captured as that one', async () => {
    const { folder, path, service, kept } = await desk()
    const link = join(folder, 'link')
    await symlink(path, link)
    await writeFile(join(folder, 'other'), third)
    const { origin } = changing(
      fileTranscript(link),
      (read) => read === 3,
      async () => {
        await symlink(join(folder, 'other'), `${link}.new`)
        await rename(`${link}.new`, link)
      },
    )
    const { checkpoint } = await service.capture(request(origin))
    await assertReadsBack(service, checkpoint.id, { main: third }, 'afterwards')
    await assertKept(service, kept, 'afterwards')
  })
})

describe('a long transcript', () => {
  /** Some 3 MiB in lines that compress badly. */
  const longLines = (): string[] => {
    const lines = Buffer.from(first)
      .toString()
      .split(/(?<=\n)/)
    let state = 1
    for (let at = 0; at < 300; at += 1) {
      const words = Array.from({ length: 1200 }, () => {
        state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
        return state.toString(36)
      })
      const message = { role: 'user', content: words.join(' ') }
      lines.push(
        `${JSON.stringify({ type: 'message', id: `long${at}`, parentId: null, timestamp: '2026-01-02T03:04:05.000Z', message })}\n`,
      )
    }
    return lines
  }

  test('that is rewritten near its end, truncated, or replaced shares what is the same, and what was kept before stays', async () => {
    const folder = await temporaryFolder()
    const path = join(folder, 'session.jsonl')
    const service = serviceOver(createMemoryStorage(), folder)
    const lines = longLines()
    const kept = new Map<string, { main: Uint8Array }>()
    const capture = async (text: string, how: (bytes: Uint8Array) => Promise<void>) => {
      await how(Buffer.from(text))
      const captured = await service.capture(request(fileTranscript(path)))
      kept.set(captured.checkpoint.id, { main: await readFile(path) })
      return { storedBytes: captured.storedBytes, stream: captured.checkpoint.parts[0]?.stream }
    }
    const whole = await capture(lines.join(''), (bytes) => writeFile(path, bytes))
    expect(whole.stream).toBe(0)
    const late = lines.map((line) => (line.includes('"long280"') ? line.replace('"role":"user"', '"role":"uzer"') : line))
    const { ino } = await stat(path)
    const inPlace = await capture(late.join(''), (bytes) => overwrite(path, bytes))
    expect((await stat(path)).ino).toBe(ino)
    expect(inPlace.stream).toBe(1)
    expect(inPlace.storedBytes).toBeLessThan(whole.storedBytes / 2)
    const short = await capture(late.slice(0, 150).join(''), (bytes) => truncate(path, bytes.length))
    expect(short).toEqual({ storedBytes: 0, stream: expect.any(Number) })
    const replaced = await capture([...lines.slice(0, 250), lines.at(-1)].join(''), (bytes) => replace(path, bytes))
    expect(replaced.storedBytes).toBeLessThan(whole.storedBytes / 2)
    const back = await capture(lines.join(''), (bytes) => replace(path, bytes))
    expect(back).toEqual({ storedBytes: 0, stream: 0 })
    expect(kept.size).toBe(5)
    await assertKept(service, kept, 'afterwards')
  })
})

test('sidecars that vanish, shrink or grow while they are captured are kept as they were or as they became', async () => {
  const folder = await temporaryFolder()
  const session = '11111111-2222-4333-8444-555555555555'
  const path = join(folder, `${session}.jsonl`)
  const sidecar = join(folder, session, 'tool-results', 'x.txt')
  const line = { parentUuid: null, isSidechain: false, type: 'user', sessionId: session, version: '2.1.330', cwd: '/p', uuid: session }
  const main = Buffer.from(
    `${JSON.stringify({ ...line, timestamp: '2026-01-02T03:04:05.000Z', message: { role: 'user', content: 'hello' } })}\n`,
  )
  const changes = { vanishes: () => rm(sidecar), shrinks: () => truncate(sidecar, 3), grows: () => appendFile(sidecar, 'and more') }
  for (const [how, change] of Object.entries(changes)) {
    for (let at = 1; at < 12; at += 1) {
      const service = serviceOver(createMemoryStorage(), folder)
      await mkdir(dirname(sidecar), { recursive: true })
      await writeFile(path, main)
      await writeFile(sidecar, 'a long result')
      const { origin } = changing(fileTranscript(path), (read) => read === at, change)
      const where = `${how} at read ${at}`
      const outcome = await service.capture({ agent: 'claude-code', transcript: origin }).catch((error: unknown) => error)
      if (outcome instanceof Error) {
        expect(outcome, where).toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
        expect((await service.list()).checkpoints, where).toEqual([])
        continue
      }
      const [checkpoint] = (await service.list()).checkpoints
      expect((await bytesOf(service, checkpoint?.id ?? '')).equals(main), where).toBe(true)
      const names = checkpoint?.parts.map(({ name }) => name)
      if (names?.length === 1) expect(how, where).toBe('vanishes')
      else
        expect(['a long result', 'a l', 'a long resultand more'], where).toContain(
          (await bytesOf(service, checkpoint?.id ?? '', names?.[1])).toString(),
        )
    }
  }
})
