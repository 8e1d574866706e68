import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { bytesTranscript, piReader } from '@palimpsest/transcripts'
import { expect, test } from 'vitest'
// @boundaries-ignore how much is committed at a time is no option of the service
import { captureCheckpoint } from '../../../core/src/capture.ts'
// @boundaries-ignore the same
import { createEnvironment } from '../../../core/src/environment.ts'
import { missing, orphans } from '../maintenance/support/whole.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Fault, faultyStorage, isWrite } from './support/faulty-storage.ts'
import { assertReadsBack } from './support/kept.ts'
import { serviceOver } from './support/service.ts'

/** 160 KiB that hardly compresses, in lines of some 5 KiB. */
function longTranscript(): Uint8Array {
  let state = 1
  const word = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return state.toString(36)
  }
  const lines = [{ type: 'session', version: 3, id: 'long', timestamp: '2026-01-02T03:04:00.000Z', cwd: '/w' } as object]
  for (let at = 0; at < 32; at += 1) {
    const content = Array.from({ length: 800 }, word).join(' ')
    lines.push({ type: 'message', id: `m${at}`, parentId: at === 0 ? null : `m${at - 1}`, message: { role: 'user', content } })
  }
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

const main = longTranscript()
const request = { agent: 'pi', transcript: bytesTranscript({ main }), reason: 'requested' as const }

test.each([
  ['killed before', { kind: 'dies' }],
  ['not answered at', { kind: 'is lost' }],
] satisfies [string, Fault][])(
  'a long first capture that is %s any of its writes keeps what was committed of it, and goes on from there',
  async (_name, fault) => {
    const folder = await temporaryFolder()
    const parts = 4
    const run = async (shared: ReturnType<typeof createMemoryStore>, at: number) => {
      const faulty = faultyStorage(createMemoryStorage({ shared }), at, fault)
      const environment = {
        ...createEnvironment({ storage: faulty.storage, readers: [piReader({})] }),
        commitEveryBytes: Math.ceil(main.length / parts),
      }
      const running = captureCheckpoint(environment, request).catch((error: unknown) => error)
      const outcome = await Promise.race([running, faulty.died])
      return { faulty, running, outcome }
    }
    const whole = await run(createMemoryStore(), 0)
    const calls = whole.faulty.calls()
    // The ledger, three early commits, and the last one; and the store's format.
    expect(calls.filter(({ name }) => name === 'compareAndSwap')).toHaveLength(2 + parts)
    const stored: number[] = []
    for (const [index, call] of calls.entries()) {
      if (!isWrite(call)) continue
      const where = `call ${index + 1}, ${call.name} ${call.key}`
      const shared = createMemoryStore()
      const { faulty, running, outcome } = await run(shared, index + 1)
      const storage = createMemoryStorage({ shared })
      const service = serviceOver(storage, folder)
      const isDone = !(outcome instanceof Error) && outcome !== 'died'
      expect((await service.list()).checkpoints, where).toHaveLength(isDone ? 1 : 0)
      expect([(await service.verify()).damaged, await missing(storage)], where).toEqual([[], []])
      const again = await service.capture(request)
      expect(again.outcome, where).toBe(isDone ? 'unchanged' : 'captured')
      stored.push(again.storedBytes)
      await assertReadsBack(service, again.checkpoint.id, { main }, where)
      faulty.bury()
      await running
      expect((await service.prune()).problems, where).toEqual([])
      expect([await missing(storage), await orphans(storage)], where).toEqual([[], []])
      await assertReadsBack(service, again.checkpoint.id, { main }, where)
    }
    // The later it was killed, the less is left to store; nothing that was committed is stored again.
    if (fault.kind !== 'is lost') expect(stored).toEqual(stored.toSorted((one, other) => other - one))
    expect(new Set(stored).size).toBeGreaterThanOrEqual(parts)
  },
)
