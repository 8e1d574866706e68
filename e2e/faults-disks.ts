import { execFile } from 'node:child_process'
import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { type CheckpointErrorCode, isCheckpointError } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { bytesTranscript } from '@palimpsest/transcripts'
import { assertKept } from '../packages/host/test/faults/support/kept.ts'
import { raceTranscript } from '../packages/host/test/faults/support/race.ts'
import { serviceOver } from '../packages/host/test/faults/support/service.ts'
import type { Course, Scenario } from './suite.ts'

const execute = promisify(execFile)
const first = raceTranscript(0, 0, 4)
const second = raceTranscript(0, 0, 40)
const service = (folder: string) => serviceOver(createFsStorage({ folder }), folder)
const request = (main: Uint8Array) => ({ agent: 'pi', transcript: bytesTranscript({ main }), reason: 'requested' as const })

/** A disk that is really full, one that can really only be read, and a process that may open few files. */
export async function disks(course: Course): Promise<void> {
  if (process.getuid?.() !== 0 || process.platform !== 'linux') course.skip('disks', 'only root can mount one')
  else {
    await course.scenario('a full disk', fullDisk)
    await course.scenario('a disk that can only be read', readOnlyDisk)
  }
  await course.scenario('a process that may open few files', fewFiles)
}

async function fullDisk({ folder, check, afterwards }: Scenario): Promise<void> {
  const disk = join(folder, 'disk')
  const store = join(disk, 'store')
  await mkdir(disk)
  await execute('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'tmpfs', disk])
  afterwards(() => execute('umount', [disk]))
  const { checkpoint } = await service(store).capture(request(first))
  const kept = new Map([[checkpoint.id, { main: first }]])
  const filling = join(disk, 'filling')
  await check('refuses a capture by its code and keeps what was there, with any few bytes that are left', async () => {
    for (const freeBytes of [0, 4096, 8192, 12_288]) {
      await fill(filling, disk, freeBytes)
      const refused = await refusalOf(() => service(store).capture(request(second)))
      // With enough bytes left it comes through.
      if (refused !== 'STORAGE_REFUSED' && !(refused === undefined && freeBytes > 4096)) throw new Error(`${freeBytes} bytes: ${refused}`)
      await assertKept(service(store), kept, `with ${freeBytes} bytes left`)
      const left = await readdir(join(store, 'tmp'))
      if (left.length > 0) throw new Error(`Temporary files are left: ${left.join(', ')}`)
    }
  })
  await check('lets somebody make room in the store itself, and then captures', async () => {
    await fill(filling, disk, 0)
    const refused = await refusalOf(() => service(store).pin(checkpoint.id))
    if (refused !== 'STORAGE_REFUSED') throw new Error(`pin gave ${refused}`)
    await rm(filling)
    const captured = await service(store).capture(request(second))
    await assertKept(service(store), new Map([...kept, [captured.checkpoint.id, { main: second }]]), 'with room again')
  })
}

/** Fills a disk until so many bytes are left. */
async function fill(path: string, disk: string, freeBytes: number): Promise<void> {
  await rm(path, { force: true })
  const { stdout } = await execute('df', ['--output=avail', '-B1', disk])
  const available = Number(stdout.trim().split('\n').at(-1))
  await writeFile(path, Buffer.alloc(Math.max(0, available - freeBytes)))
}

async function readOnlyDisk({ folder, check, afterwards }: Scenario): Promise<void> {
  const store = join(folder, 'store')
  const { checkpoint } = await service(store).capture(request(first))
  const kept = new Map([[checkpoint.id, { main: first }]])
  await execute('mount', ['--bind', store, store])
  afterwards(() => execute('umount', [store]))
  await execute('mount', ['-o', 'remount,ro,bind', store])
  await check('can be listed, read, verified and branched from', async () => {
    await assertKept(service(store), kept, 'read-only')
    if ((await service(store).verify()).damaged.length > 0) throw new Error('verify calls something damaged')
    await service(store).branch(checkpoint.id, { to: join(folder, 'to') })
  })
  await check('refuses everything that writes by its code', async () => {
    const writing = {
      capture: () => service(store).capture(request(second)),
      pin: () => service(store).pin(checkpoint.id),
      delete: () => service(store).delete([checkpoint.id]),
    }
    for (const [name, write] of Object.entries(writing)) {
      const refused = await refusalOf(write)
      if (refused !== 'STORAGE_REFUSED') throw new Error(`${name} gave ${refused}`)
    }
  })
  await check('is written again when it can be', async () => {
    await execute('mount', ['-o', 'remount,rw,bind', store])
    const captured = await service(store).capture(request(second))
    await assertKept(service(store), new Map([...kept, [captured.checkpoint.id, { main: second }]]), 'writable again')
  })
}

async function fewFiles({ folder, check }: Scenario): Promise<void> {
  const store = join(folder, 'store')
  const { checkpoint } = await service(store).capture(request(first))
  const kept = new Map([[checkpoint.id, { main: first }]])
  const script = join(import.meta.dirname, 'faults-few-files.ts')
  await check('captures, or says by its code that it can be tried again, and leaves nothing half done', async () => {
    const outcomes: string[] = []
    for (let limit = 20; limit <= 48; limit += 2) {
      const command = `ulimit -n ${limit}; exec "$@"`
      const argv = ['-c', command, 'sh', process.execPath, '--conditions=@palimpsest/source', script, store, String(limit)]
      const { stdout } = await execute('sh', argv).catch((error: unknown) => ({ stdout: startsNot(error) }))
      if (stdout === '') continue
      outcomes.push(stdout.trim())
      await assertKept(service(store), kept, `with ${limit} files`)
    }
    const codes = new Set(outcomes)
    console.log(`     ${outcomes.length} processes, which said ${[...codes].join(', ')}`)
    if ([...codes].some((code) => code !== 'captured' && code !== 'STORAGE_UNAVAILABLE')) throw new Error('another answer')
    if (!codes.has('STORAGE_UNAVAILABLE') || !codes.has('captured'))
      throw new Error('The limits were too low or too high to tell anything.')
  })
  await check('and then all can be captured', async () => {
    const captured = await service(store).capture(request(second))
    await assertKept(service(store), new Map([...kept, [captured.checkpoint.id, { main: second }]]), 'afterwards')
  })
}

/** A process that can't even start says nothing. */
function startsNot(error: unknown): string {
  if (error instanceof Error && 'stdout' in error && error.stdout === '') return ''
  throw error
}

async function refusalOf(run: () => Promise<unknown>): Promise<CheckpointErrorCode | undefined> {
  try {
    await run()
    return undefined
  } catch (error) {
    if (isCheckpointError(error)) return error.code
    throw error
  }
}
