import { appendFile, mkdtemp, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { fileTranscript, nodeTranscriptFiles, piReader } from '@palimpsest/transcripts'
import { afterEach, beforeEach, expect, test } from 'vitest'

let folder = ''
let path = ''
let next = 0
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-tail-'))
  path = join(folder, 'session.jsonl')
  next = 0
  await writeFile(
    path,
    `${JSON.stringify({ type: 'session', version: 3, id: 'tail', timestamp: '2026-01-01T00:00:00.000Z', cwd: '/w' })}\n`,
  )
  await appendFile(path, turns(300))
})
afterEach(() => rm(folder, { recursive: true }))

/** Messages of some 1,000 bytes each. */
function turns(count: number): string {
  return Array.from({ length: count }, () => {
    const parentId = next === 0 ? null : id(next)
    next += 1
    const message = { role: 'user', content: `${next} `.padEnd(900, 'x') }
    return `${JSON.stringify({ type: 'message', id: id(next), parentId, timestamp: '2026-01-01T00:00:01.000Z', message })}\n`
  }).join('')
}

function id(number: number): string {
  return number.toString(16).padStart(8, '0')
}

async function service() {
  const storage = createMemoryStorage()
  await storage.open()
  const checkpoints = createCheckpoints({ storage, readers: [piReader({})], files: nodeTranscriptFiles() })
  const capture = async (prefixCheck: 'whole' | 'tail') => {
    const pending = await checkpoints.capture({ agent: 'pi', transcript: fileTranscript(path), reason: 'manual', prefixCheck })
    return pending.complete()
  }
  const bytesOf = async (checkpointId: string) => Buffer.concat(await Array.fromAsync(checkpoints.raw(checkpointId)))
  return { checkpoints, capture, bytesOf }
}

test('a file that has only grown is known again by its tail, and what it had is given back exactly', async () => {
  const { capture, bytesOf } = await service()
  await capture('whole')
  await appendFile(path, turns(5))
  const checkpoint = await capture('tail')
  expect(checkpoint.prefixCheck).toBe('tail')
  expect(await bytesOf(checkpoint.id)).toEqual(await readFile(path))
})

test('the next whole check takes the mark off', async () => {
  const { checkpoints, capture } = await service()
  await capture('whole')
  await appendFile(path, turns(5))
  const { id: marked } = await capture('tail')
  await appendFile(path, turns(5))
  const whole = await capture('whole')
  expect(whole.prefixCheck).toBeUndefined()
  expect((await checkpoints.get(marked)).prefixCheck).toBeUndefined()
})

test('a rewrite in place before the last 64 KiB is the blind spot of the tail check: the next whole check finds it and stores it anew', async () => {
  const { capture, bytesOf } = await service()
  const first = await capture('whole')
  const before = await readFile(path)
  const file = await open(path, 'r+')
  await file.write('y', 20_000)
  await file.close()
  await appendFile(path, turns(5))
  const blind = await capture('tail')
  expect((await bytesOf(blind.id)).equals(await readFile(path))).toBe(false)
  await appendFile(path, turns(1))
  const whole = await capture('whole')
  expect(await bytesOf(whole.id)).toEqual(await readFile(path))
  expect(await bytesOf(first.id)).toEqual(before)
})

test('a change in the last 64 KiB, a shorter file and another file of the same name are compared whole', async () => {
  for (const change of [
    async () => writeFile(path, Buffer.from((await readFile(path)).toString().replace('299 xx', '299 yy'))),
    async () => writeFile(path, (await readFile(path)).toString().split('\n').slice(0, 100).join('\n').concat('\n')),
    async () => {
      await writeFile(`${path}.new`, await readFile(path))
      await rename(`${path}.new`, path)
    },
  ]) {
    const { capture, bytesOf } = await service()
    await capture('whole')
    await change()
    const checkpoint = await capture('tail')
    expect(checkpoint.prefixCheck).toBeUndefined()
    expect(await bytesOf(checkpoint.id)).toEqual(await readFile(path))
  }
})

test('a leaf in lines that the tail check spared is taken as it is; a whole check knows better', async () => {
  const { checkpoints, capture } = await service()
  await capture('whole')
  await appendFile(path, turns(5))
  const request = { agent: 'pi', transcript: fileTranscript(path), reason: 'manual' as const }
  for (const leafId of [id(3), 'nobody']) {
    const { checkpoint } = await checkpoints.capture({ ...request, leafId, prefixCheck: 'tail' })
    expect(checkpoint).toMatchObject({ prefixCheck: 'tail', preCompaction: { leafId } })
    expect((await checkpoints.read(checkpoint.id, { view: 'raw' })).total).toBe(306)
    const { entries, problems } = await checkpoints.read(checkpoint.id)
    expect([entries.length, problems.length]).toEqual(leafId === 'nobody' ? [0, 1] : [3, 0])
  }
  await expect(checkpoints.capture({ ...request, leafId: 'nobody', prefixCheck: 'whole' })).rejects.toMatchObject({
    code: 'ARGUMENT_INVALID',
  })
})
