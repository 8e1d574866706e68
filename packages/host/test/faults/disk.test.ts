import { sessionName } from '@palimpsest/core'
import type { FileSystem } from '@palimpsest/storage-fs'
import { bytesTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
// @boundaries-ignore what its tests are built with is written once, there
import { CrashingFileSystem } from '../../../storage-fs/test/crashing-file-system.ts'
// @boundaries-ignore what its tests are built with is written once, there
import { type Call, systemError, watchedFileSystem } from '../../../storage-fs/test/failing-file-system.ts'
import { assertKept, assertReadsBack, type Kept } from './support/kept.ts'
import { raceTranscript } from './support/race.ts'
import { serviceOver } from './support/service.ts'
import { assertSwept, storageIn } from './support/store-folder.ts'

/** The first half of a session is kept; the second is about to be. */
const first = raceTranscript(0, 0, 3)
const second = raceTranscript(0, 0, 9)
const request = (main: Uint8Array) => ({ agent: 'pi', transcript: bytesTranscript({ main }), reason: 'requested' as const })

/** A disk with one checkpoint, and the same disk with something wrong as long as `isWrong` says so of a call. */
async function disk(code: string, isWrong: (call: Call) => boolean): Promise<{ good: FileSystem; bad: FileSystem; kept: Kept }> {
  const good = new CrashingFileSystem()
  const { checkpoint } = await serviceOver(storageIn(good), '/none').capture(request(first))
  const bad = watchedFileSystem(good, (call) => {
    if (isWrong(call)) throw systemError(code)
  })
  return { good, bad, kept: new Map([[checkpoint.id, { main: first }]]) }
}

const service = (fs: FileSystem) => serviceOver(storageIn(fs), '/none')

describe.each([
  ['a full disk', 'ENOSPC', (call: Call) => call.name === 'file.write', 'STORAGE_REFUSED', 'Make room'],
  ['a full disk without room for a name', 'ENOSPC', (call: Call) => call.name === 'link', 'STORAGE_REFUSED', 'Make room'],
  ['a quota', 'EDQUOT', (call: Call) => call.name === 'file.write', 'STORAGE_REFUSED', 'Make room'],
  ['a store that can only be read', 'EROFS', (call: Call) => call.writes, 'STORAGE_REFUSED', 'Allow this user'],
  ['folders of somebody else', 'EACCES', (call: Call) => call.writes, 'STORAGE_REFUSED', 'Allow this user'],
  ['too many open files', 'EMFILE', (call: Call) => call.name === 'open' && call.writes, 'STORAGE_UNAVAILABLE', 'Try again'],
  [
    'folders on several disks',
    'EXDEV',
    (call: Call) => call.name === 'link' || call.name === 'rename',
    'STORAGE_REFUSED',
    'one file system',
  ],
] as const)('%s', (_name, code, isWrong, expected, advice) => {
  test('is told by its code and says what to do; nothing is written by half, and what is there can be read', async () => {
    const { good, bad, kept } = await disk(code, isWrong)
    await expect(service(bad).capture(request(second))).rejects.toMatchObject({
      code: expected,
      message: expect.stringContaining(advice),
      retryable: expected === 'STORAGE_UNAVAILABLE',
    })
    await assertKept(service(bad), kept, 'while it is so')
    await assertKept(service(good), kept, 'afterwards')
    expect((await service(good).list()).checkpoints).toHaveLength(1)
  })

  test('that passes leaves the same service able to capture, and nothing temporary', async () => {
    let isOver = false
    const { good, bad, kept } = await disk(code, (call) => !isOver && isWrong(call))
    const same = service(bad)
    await expect(same.capture(request(second))).rejects.toMatchObject({ code: expected })
    isOver = true
    const { checkpoint } = await same.capture(request(second))
    await assertReadsBack(service(good), checkpoint.id, { main: second }, 'afterwards')
    await assertKept(service(good), kept, 'afterwards')
    await assertSwept(good, 'afterwards')
  })

  test('met by the very first capture leaves a store that can be used', async () => {
    const good = new CrashingFileSystem()
    const bad = watchedFileSystem(good, (call) => {
      if (isWrong(call)) throw systemError(code)
    })
    await expect(service(bad).capture(request(first))).rejects.toMatchObject({ code: expected })
    expect((await service(good).list()).checkpoints).toEqual([])
    const { checkpoint } = await service(good).capture(request(first))
    await assertKept(service(good), new Map([[checkpoint.id, { main: first }]]), 'afterwards')
  })
})

test.each(['EPERM', 'ENOTSUP', 'EMLINK'])('where hard links are refused with %s, captures are made without them', async (code) => {
  const { good, bad, kept } = await disk(code, (call) => call.name === 'link')
  const { checkpoint } = await service(bad).capture(request(second))
  await service(bad).pin(checkpoint.id)
  await assertKept(service(good), new Map([...kept, [checkpoint.id, { main: second }]]), 'afterwards')
  await assertSwept(good, 'afterwards')
})

describe.each([
  ['EIO', 'STORAGE_UNAVAILABLE'],
  ['EMFILE', 'STORAGE_UNAVAILABLE'],
  ['EACCES', 'STORAGE_REFUSED'],
])('a read that meets %s', (code, expected) => {
  test('is not damage: no gap is shown, no checkpoint is missing, and nothing is stored anew', async () => {
    let failing = ''
    const { good, bad, kept } = await disk(code, ({ name, path }) => failing !== '' && name === failing && path.includes('/objects/'))
    const [id = ''] = kept.keys()
    for (const call of code === 'EMFILE' || code === 'EACCES' ? ['open'] : ['file.read', 'open']) {
      failing = call
      await expect(service(bad).get(id), call).rejects.toMatchObject({ code: expected })
      await expect(service(bad).read(id, { view: 'raw' }), call).rejects.toMatchObject({ code: expected })
      await expect(Array.fromAsync(service(bad).raw(id)), call).rejects.toMatchObject({ code: expected })
      await expect(service(bad).branch(id), call).rejects.toMatchObject({ code: expected })
      await expect(service(bad).list(), call).rejects.toMatchObject({ code: expected })
      failing = ''
      await assertKept(service(bad), kept, 'afterwards')
    }
    await assertKept(service(good), kept, 'afterwards')
  })

  test('of the ledger hides no checkpoint', async () => {
    const { bad, kept } = await disk(code, ({ name, path }) => name === 'open' && path.includes('/refs/se='))
    const [id = ''] = kept.keys()
    await expect(service(bad).get(id)).rejects.toMatchObject({ code: expected })
    await expect(service(bad).capture(request(second))).rejects.toMatchObject({ code: expected })
    await expect.soft(service(bad).get('latest')).rejects.toMatchObject({ code: expected })
    await expect.soft(service(bad).undelete(id)).rejects.toMatchObject({ code: expected })
    expect((await service(bad).list()).problems).toHaveLength(1)
  })
})

test('a ledger that can not be read now does not make another session’s checkpoint the latest', async () => {
  let isWrong = false
  let newest = ''
  const { good, bad, kept } = await disk('EIO', ({ name, path }) => isWrong && name === 'open' && newest !== '' && path.includes(newest))
  const other = { agent: 'pi', transcript: bytesTranscript({ main: raceTranscript(1, 0, 3) }) }
  const { checkpoint } = await service(good).capture({ ...other, createdAt: Date.UTC(2026, 6, 1), reason: 'requested' })
  newest = `/${sessionName('pi', checkpoint.sessionKey).split('/')[1]}`
  expect((await service(bad).get('latest')).id).toBe(checkpoint.id)
  isWrong = true
  await expect(service(bad).delete(['latest'])).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
  await assertKept(service(good), kept, 'afterwards')
})
