import { mkdir, mkdtemp, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import type { OpenTranscript } from '@palimpsest/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { decompressedSource } from '../src/files/decompressed.ts'
import { openRegularFile } from '../src/files/regular-file.ts'
import { codexHomeFolder, codexSessionFolders, fileTranscript } from '../src/index.ts'
import { all, type Fields, jsonl, meta, read, reader, says, user } from './codex-sessions.ts'
import { contextIn } from './contexts.ts'

const ids = [
  '01a204ee-a000-7c81-a5de-48cb63982025',
  '01a204f0-ec0a-7193-b568-d22869aa56e5',
  '01a204f0-eddf-7020-8abb-895e345caf6c',
] as const
let home: string
const opened: OpenTranscript[] = []

beforeEach(async () => {
  home = await realpath(await mkdtemp(join(tmpdir(), 'palimpsest-codex-')))
})

afterEach(async () => {
  for (const transcript of opened.splice(0)) await transcript.close()
  await rm(home, { recursive: true })
})

async function rollout(day: string, id: string, bytes: Uint8Array, suffix = ''): Promise<string> {
  const path = join(home, day, `rollout-2026-11-22T20-24-37-${id}.jsonl${suffix}`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  return path
}

async function open(path: string): Promise<OpenTranscript> {
  const transcript = await fileTranscript(path).open()
  opened.push(transcript)
  return transcript
}

async function bytesOf(transcript: OpenTranscript): Promise<Buffer> {
  const [main] = await all(transcript.parts())
  return Buffer.from((await main?.source.read(0, main.source.sizeBytes)) ?? [])
}

const base = jsonl([meta(), user('first'), says('one'), user('taken back')])
const baseBytes = base.subarray(0, base.indexOf('\n', base.indexOf('"one"')) + 1).length
const goingOn = (id: string, from: string, bytes: number, ...lines: readonly Fields[]) =>
  jsonl([meta({ id, forked_from_id: from, history_base: { thread_id: from, end_ordinal_exclusive: 3, end_byte_offset: bytes } }), ...lines])

describe('a compressed rollout', () => {
  test('is its decompressed bytes, and has no identity by which it could be replaced', async () => {
    const path = await rollout('sessions/2026/11/22', ids[0], zstdCompressSync(base), '.zst')
    const transcript = await open(path)
    expect((await bytesOf(transcript)).equals(base)).toBe(true)
    expect(transcript).not.toHaveProperty('identity')
    expect([await transcript.unchanged(), await transcript.written?.()]).toEqual([true, false])
    expect(await reader.identify(transcript)).toMatchObject({ sessionId: ids[0] })
    await transcript.close()
    await expect(bytesOf(transcript)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
  })

  test('of many megabytes does not stay in memory, and comes whole', async () => {
    const large = Buffer.alloc(40 << 20, 'x\n')
    const transcript = await open(await rollout('sessions', ids[0], zstdCompressSync(large), '.zst'))
    const [main] = await all(transcript.parts())
    expect(main?.source.sizeBytes).toBe(large.length)
    expect(Buffer.from((await main?.source.read(33_000_000, 33_000_100)) ?? []).equals(large.subarray(33_000_000, 33_000_100))).toBe(true)
  })

  test('that holds more than is allowed, is damaged or cut off is unreadable', async () => {
    const path = await rollout('sessions', ids[0], zstdCompressSync(Buffer.alloc(5 << 20)), '.zst')
    const file = await openRegularFile(path, { followLinks: true })
    const refused = decompressedSource(file, path, { maxBytes: 1 << 20 })
    await expect(refused).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE', message: expect.stringContaining('more than') })
    await file.handle.close()
    for (const damaged of [Buffer.from('no zstd at all'), zstdCompressSync(base).subarray(0, -20)]) {
      await writeFile(path, damaged)
      await expect(fileTranscript(path).open()).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    }
    const reason = new Error('enough')
    await expect(fileTranscript(path).open({ signal: AbortSignal.abort(reason) })).rejects.toBe(reason)
  })

  test('is passed over beside its plain one', () => {
    const path = `/x/rollout-2026-11-22T20-24-37-${ids[0]}.jsonl.zst`
    const plain = new Set([`rollout-2026-11-22T20-24-37-${ids[0]}.jsonl`])
    expect(reader.detect(base, { path, siblings: plain })).toBe(false)
    expect(reader.detect(base, { path, siblings: new Set() })).toBe(true)
  })
})

describe('a rollout that goes on from another', () => {
  test('comes behind as many bytes of it, wherever Codex keeps that one', async () => {
    const own = goingOn(ids[1], ids[0], baseBytes, user('second'), says('two'))
    for (const folder of ['sessions/2026/11/21', 'sessions/2026/12/01', 'archived_sessions']) {
      const basePath = await rollout(folder, ids[0], base)
      const transcript = await open(await rollout('sessions/2026/12/01', ids[1], own))
      expect((await bytesOf(transcript)).equals(Buffer.concat([base.subarray(0, baseBytes), own]))).toBe(true)
      expect(await reader.identify(transcript)).toMatchObject({ sessionKey: ids[1], parent: { sessionId: ids[0] } })
      const { index, leafId } = await read(transcript)
      expect(contextIn(reader, index, leafId, 'context')).toEqual({ entryIds: ['L1', 'L2', 'L4', 'L5'], problems: [] })
      await rm(basePath)
    }
  })

  test('of one that goes on from a third: all three; and a compressed base is read too', async () => {
    const middle = goingOn(ids[1], ids[0], baseBytes, user('second'))
    await rollout('sessions/2026/11/22', ids[0], zstdCompressSync(base), '.zst')
    await rollout('sessions/2026/11/22', ids[1], middle)
    const last = goingOn(ids[2], ids[1], middle.length, user('third'))
    const transcript = await open(await rollout('sessions/2026/11/23', ids[2], last))
    expect((await bytesOf(transcript)).equals(Buffer.concat([base.subarray(0, baseBytes), middle, last]))).toBe(true)
    expect(await reader.identify(transcript)).toMatchObject({ sessionKey: ids[2] })
  })

  test('a reverted segment is the same session, and is known by the name of its file', async () => {
    const segment = goingOn(ids[0], ids[0], baseBytes, user('instead'))
    await rollout('sessions/2026/11/22', ids[0], base)
    const transcript = await open(await rollout('sessions/2026/11/22', `${ids[0]}_${ids[1]}`, segment))
    expect(await reader.identify(transcript)).toMatchObject({ sessionKey: ids[0] })
    const { index, leafId } = await read(transcript)
    expect(contextIn(reader, index, leafId, 'all').entryIds).toEqual(['L1', 'L2', 'L4'])
  })

  test('has changed when its base was rewritten, and not when that has grown', async () => {
    const basePath = await rollout('sessions', ids[0], base)
    const transcript = await open(await rollout('sessions', ids[1], goingOn(ids[1], ids[0], baseBytes, user('second'))))
    expect(await transcript.written?.()).toBe(false)
    await writeFile(basePath, says('more').toString(), { flag: 'a' })
    expect(await transcript.unchanged()).toBe(true)
    expect(await transcript.written?.()).toBe(true)
    await writeFile(basePath, base.subarray(0, 100))
    expect(await transcript.unchanged()).toBe(false)
  })

  test.each([
    ['is missing', async () => undefined],
    ['is shorter than that', async () => rollout('sessions', ids[0], base.subarray(0, baseBytes - 10))],
    ['is reached through a link', async () => symlink('/dev/zero', join(home, 'sessions', `rollout-2026-11-22T20-24-37-${ids[0]}.jsonl`))],
    ['goes on from itself', async () => rollout('sessions', ids[0], goingOn(ids[0], ids[1], 100, user('x')))],
  ])('whose base %s is read alone, and says what is missing', async (_how, prepare) => {
    const own = goingOn(ids[1], ids[0], baseBytes, user('second'))
    const path = await rollout('sessions', ids[1], own)
    await prepare()
    const transcript = await open(path)
    expect((await bytesOf(transcript)).subarray(-own.length).equals(own)).toBe(true)
    const { index, leafId } = await read(transcript)
    expect(contextIn(reader, index, leafId, 'context').problems).toMatchObject([{ message: expect.stringContaining('was not found') }])
    expect(await reader.identify(transcript)).toMatchObject({ sessionId: ids[1] })
  })
})

test("Codex's folder is CODEX_HOME, else .codex in the home folder; archived sessions lie beside the others", () => {
  expect(codexSessionFolders({}, '/home/dev')).toEqual(['/home/dev/.codex/sessions', '/home/dev/.codex/archived_sessions'])
  expect(codexHomeFolder({ CODEX_HOME: '/data/codex' }, '/home/dev')).toBe('/data/codex')
  expect(codexHomeFolder({ CODEX_HOME: ' ' }, '/home/dev')).toBe('/home/dev/.codex')
})
