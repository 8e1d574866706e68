import { createHash } from 'node:crypto'
import { StorageError } from '@palimpsest/core'
import { bytesTranscript } from '@palimpsest/transcripts'
import { afterAll, expect, test } from 'vitest'
import { removeFolders } from './support/folders.ts'
import { altered } from './support/storages.ts'
import { openMemoryStore } from './support/stores.ts'
import { idsIn, of, openWorkshop } from './support/workshop.ts'

afterAll(removeFolders)

// What takes seconds and does not depend on the kind of store.

test('a line of 50 MB is kept to the byte, and so are those around it', async () => {
  const line = (id: string, parentId: string | null, text = id): string =>
    `${JSON.stringify({ type: 'message', id, parentId, message: { role: 'user', content: text } })}\n`
  const long = line('b', 'a', 'long '.repeat(10_000_000))
  const main = Buffer.from(`{"type":"session","version":3,"id":"s"}\n${line('a', null)}${long}${line('c', 'b')}`)
  const service = (await openWorkshop(openMemoryStore)).service()
  const { checkpoint } = await service.capture({ agent: 'pi', transcript: bytesTranscript({ main }) })
  const hash = createHash('sha256')
  for await (const piece of service.raw(checkpoint.id)) {
    expect(piece.byteLength).toBeLessThanOrEqual(1024 * 1024)
    hash.update(piece)
  }
  expect(hash.digest('hex')).toBe(createHash('sha256').update(main).digest('hex'))
  const { entries } = await service.read(checkpoint.id)
  expect(entries.map(({ id, text }) => [id, text.length])).toEqual([
    ['a', 1],
    ['b', 50_000_000],
    ['c', 1],
  ])
})

test('a swap that fails again and again is an error that can be tried again, and leaves nothing', async () => {
  const workshop = await openWorkshop(openMemoryStore)
  const file = await workshop.pi()
  await file.turn()
  await workshop.service().capture({ ...of(file), reason: 'requested' })
  await file.turn()
  const storage = workshop.storage()
  let tries = 0
  const fail = async (): Promise<never> => {
    tries += 1
    throw new StorageError('unavailable', 'The server is gone.')
  }
  const service = workshop.service({ storage: altered(storage, { refs: { compareAndSwap: fail } }) })
  await expect(service.capture({ ...of(file), reason: 'requested' })).rejects.toMatchObject({
    code: 'STORAGE_UNAVAILABLE',
    retryable: true,
    message: expect.stringContaining('Try again'),
  })
  expect(tries).toBeGreaterThan(1)
  expect(await idsIn(workshop.service())).toHaveLength(1)
})
