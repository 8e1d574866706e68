import { mkdtemp, realpath, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Storage } from '@palimpsest/core'
import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { assertAllOrNothing, assertGoesOn, commitCount } from './support/all-or-nothing.ts'
import { type Fault, faultyStorage, isWrite, type PortCall } from './support/faulty-storage.ts'
import { type Play, plays, type Scene } from './support/scenes.ts'
import { serviceOver } from './support/service.ts'

type Shared = ReturnType<typeof createMemoryStore>
type Files = Readonly<Record<string, string>>

/** What came of an operation of which one call went wrong. */
interface Disturbed {
  readonly where: string
  readonly met: PortCall
  /** An error, where it ended with one. */
  readonly outcome: unknown
  /** The store as it was left, for another process. */
  readonly storage: Storage
  /** How many it made. */
  readonly commits: number
  readonly files: Files
}

interface Set {
  readonly scene: Scene
  /** How many commits the operation makes when nothing goes wrong. */
  readonly commits: number
  readonly before: Files
  readonly after: Files
  /** Runs the operation for each of its calls that is wanted, with that one going wrong; gives how many there were. */
  disturb(
    fault: Fault,
    isWanted: (call: PortCall, index: number) => boolean,
    check: (disturbed: Disturbed) => Promise<void>,
  ): Promise<number>
}

async function setScene(play: Play, folder: string): Promise<Set> {
  const shared = createMemoryStore()
  const scene = await play.set({ folder, storage: createMemoryStorage({ shared }) })
  const commitsBefore = await commitCount(createMemoryStorage({ shared }))
  const look = async (): Promise<Files> => (await scene.files?.look()) ?? {}
  const run = async (at: number, fault: Fault) => {
    const left = copyOf(shared)
    await scene.files?.reset()
    const faulty = faultyStorage(createMemoryStorage({ shared: left }), at, fault)
    const running = scene.run(serviceOver(faulty.storage, folder)).catch((error: unknown) => error)
    const outcome = await Promise.race([running, faulty.died])
    const storage = createMemoryStorage({ shared: left })
    const commits = (await commitCount(storage)) - commitsBefore
    const files = await look()
    faulty.bury()
    await running
    return { met: faulty.met(), calls: faulty.calls(), outcome, storage, commits, files }
  }
  await scene.files?.reset()
  const before = await look()
  const whole = await run(0, { kind: 'dies' })
  expect(await assertAllOrNothing(serviceOver(whole.storage, folder), scene, 'undisturbed')).toBe(changes(scene) ? 'after' : 'before')
  return {
    scene,
    commits: whole.commits,
    before,
    after: whole.files,
    async disturb(fault, isWanted, check) {
      const wanted = whole.calls.flatMap((call, index) => (isWanted(call, index) ? [index + 1] : []))
      for (const at of wanted) {
        const { met, ...disturbed } = await run(at, fault)
        expect(met, `call ${at}`).toMatchObject({ name: whole.calls[at - 1]?.name })
        if (met !== undefined) await check({ ...disturbed, met, where: `when call ${at}, ${met.name} ${met.key}, ${fault.kind}` })
      }
      return wanted.length
    },
  }
}

function copyOf(store: Shared): Shared {
  return { objects: new Map(store.objects), refs: new Map(store.refs), swaps: store.swaps }
}

function changes(scene: Scene): boolean {
  return scene.made.length > 0 || scene.touched.some(({ before, after }) => before !== after)
}

describe.each(plays)('$name', (play) => {
  // Each run works on a copy of the scene, so that it is set once.
  let set: Promise<Set>
  let folder = ''
  beforeAll(async () => {
    folder = await realpath(await mkdtemp(join(tmpdir(), 'palimpsest-steps-')))
    set = setScene(play, folder)
    await set
  })
  afterAll(() => rm(folder, { recursive: true, force: true }))

  test('that dies before any write happened or not, and nothing else is lost', async () => {
    const { scene, before, after, disturb } = await set
    const met = await disturb({ kind: 'dies' }, isWrite, async ({ where, storage, files }) => {
      await assertAllOrNothing(serviceOver(storage, folder), scene, where)
      // What a crash leaves is no damage, and nothing that prune would leave alone.
      expect((await serviceOver(storage, folder).verify()).damaged, where).toEqual([])
      expect((await serviceOver(storage, folder).prune({ dryRun: true })).problems, where).toEqual([])
      await assertGoesOn(serviceOver(storage, folder), scene, where)
      expect([before, after], where).toContainEqual(files)
    })
    expect(met).toBeGreaterThanOrEqual(scene.made.length + scene.touched.length > 0 ? 1 : 0)
  })

  test.each([
    // Reads fail alike, so that a third of them will do; puts are refused below.
    ['unavailable', (call: PortCall, index: number) => call.name === 'compareAndSwap' || (!isWrite(call) && index % 3 === 0)],
    ['refused', isWrite],
  ] as const)('of which any call is %s says so, or comes through, and happened or not', async (kind, isWanted) => {
    const { scene, commits, before, after, disturb } = await set
    const code = kind === 'refused' ? 'STORAGE_REFUSED' : 'STORAGE_UNAVAILABLE'
    await disturb({ kind: 'fails', with: kind }, isWanted, async ({ where, met, outcome, storage, commits: made, files }) => {
      const state = await assertAllOrNothing(serviceOver(storage, folder), scene, where)
      if (outcome instanceof Error) {
        expect.soft(outcome, where).toMatchObject({ name: 'CheckpointError', code })
        expect(files, where).toEqual(before)
        if (scene.goesInSteps !== true) expect([made, state], where).toEqual([0, 'before'])
      } else {
        expect([state, files], where).toEqual([changes(scene) ? 'after' : 'before', after])
        // What goes in steps may leave one out, and says so in its result.
        if (scene.goesInSteps !== true) expect(made, where).toBe(commits)
      }
      // What a write that was refused leaves, one that was never made leaves too, and that goes on: see above.
      if (kind === 'unavailable' && isWrite(met)) await assertGoesOn(serviceOver(storage, folder), scene, where)
    })
  })

  test('of which the answer to any write is lost makes each commit once', async () => {
    const { scene, commits, before, after, disturb } = await set
    await disturb({ kind: 'is lost' }, isWrite, async ({ where, met, outcome, storage, commits: made, files }) => {
      const state = await assertAllOrNothing(serviceOver(storage, folder), scene, where)
      if (met.name === 'compareAndSwap') expect(outcome, where).not.toBeInstanceOf(Error)
      if (outcome instanceof Error) {
        expect(outcome, where).toMatchObject({ code: 'STORAGE_UNAVAILABLE' })
        expect(files, where).toEqual(before)
      } else expect([made, state, files], where).toEqual([commits, changes(scene) ? 'after' : 'before', after])
      await assertGoesOn(serviceOver(storage, folder), scene, where)
    })
  })
})
