import type { Checkpoints } from '@palimpsest/core'
import { createMemoryStorage, createMemoryStore } from '@palimpsest/storage-memory'
import { describe, expect, test, vi } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { assertAllOrNothing, assertGoesOn } from './support/all-or-nothing.ts'
import { type FaultyRun, type FileCall, type FileFault, runWithFaultyFiles } from './support/faulty-files.ts'
import { plays, type SceneFiles } from './support/scenes.ts'
import { serviceOver } from './support/service.ts'

vi.mock('node:fs/promises', async (importOriginal) => {
  const { disturbed } = await import('./support/faulty-files.ts')
  return disturbed(await importOriginal())
})

type Files = Awaited<ReturnType<SceneFiles['look']>>

const writing = plays.filter(({ name }) => name.startsWith('a branch') || name.startsWith('a restore'))

/** The sessions that an agent sees: without what is hidden, and without sidecars of a session that is not there. */
function sessionsIn(files: Files): Files {
  const isSeen = (path: string) => {
    const names = path.split('/')
    const owner = names.slice(0, -2).join('/')
    return !names.some((name) => name.startsWith('.')) && (path.endsWith('.jsonl') || `${owner}.jsonl` in files)
  }
  return Object.fromEntries(Object.entries(files).filter(([path]) => isSeen(path)))
}

/** Whether the sessions are as they were before, or as they are after; else the names of the files. */
function stateOf(found: Files, before: Files, after: Files): string {
  const text = (files: Files) => JSON.stringify(Object.entries(files).sort())
  if (text(sessionsIn(found)) === text(before)) return 'before'
  return text(sessionsIn(found)) === text(after) ? 'after' : Object.keys(found).join(', ')
}

/** What a run left of which one write went wrong. */
interface Left {
  readonly run: FaultyRun
  readonly where: string
  readonly before: Files
  readonly after: Files
  readonly found: Files
  readonly service: Checkpoints
  again(): Promise<Files>
}

describe.each(writing)('$name', (play) => {
  /** Runs the operation with each of its writes in turn going wrong; gives how many there were. */
  const disturbEach = async (fault: FileFault, check: (left: Left) => Promise<void>): Promise<number> => {
    const folder = await temporaryFolder()
    const shared = createMemoryStore()
    const scene = await play.set({ folder, storage: createMemoryStorage({ shared }) })
    if (scene.files === undefined) throw new Error('This scene has no files.')
    const { reset, look } = scene.files
    const start = async () => {
      await reset()
      return createMemoryStorage({ shared: { objects: new Map(shared.objects), refs: new Map(shared.refs), swaps: shared.swaps } })
    }
    const whole = await start()
    const before = await look()
    await scene.run(serviceOver(whole, folder))
    const after = await look()
    expect(after).not.toEqual(before)
    for (let at = 1; ; at += 1) {
      const storage = await start()
      const run = await runWithFaultyFiles(at, fault, () => scene.run(serviceOver(storage, folder)))
      if (run.met === undefined) return at - 1
      const where = `write ${at}, ${run.met.name} ${run.met.path}, ${fault.kind}`
      const found = await look()
      await assertAllOrNothing(serviceOver(storage, folder), scene, where)
      const again = async () => {
        await scene.runAgain?.(serviceOver(storage, folder))
        return look()
      }
      await check({ run, where, before, after, found, again, service: serviceOver(storage, folder) })
      await assertGoesOn(serviceOver(storage, folder), scene, where)
      await run.bury()
    }
  }

  test('that is killed before any write leaves the sessions as they were or as they are to be, and can be done again', async () => {
    const met = await disturbEach({ kind: 'dies' }, async ({ where, before, after, found, again }) => {
      const state = stateOf(found, before, after)
      expect(['before', 'after'], where).toContain(state)
      if (state === 'before') expect(stateOf(await again(), before, after), where).toBe('after')
    })
    expect(met).toBeGreaterThanOrEqual(2)
  })

  test('of which any write fails is refused and leaves nothing, or comes through', async () => {
    const errorCodeOf = ({ name }: FileCall) => (name === 'file.sync' ? 'EIO' : 'ENOSPC')
    await disturbEach({ kind: 'fails', codeOf: errorCodeOf }, async ({ run, where, before, after, found, service, again }) => {
      const state = stateOf(found, before, after)
      if (run.met === undefined || run.error === undefined) expect(state, where).toBe('after')
      else {
        expect(run.error, where).toMatchObject({ name: 'CheckpointError', code: 'TARGET_REFUSED', cause: { code: errorCodeOf(run.met) } })
        // Only what has its name already may be there although it could not be forced to the disk.
        expect(state, where).toBe(run.met.name === 'file.sync' && state === 'after' ? 'after' : 'before')
        if (play.name.startsWith('a restore')) {
          const undo = (await service.list({ limit: 1000 })).checkpoints.find(({ reason }) => reason === 'before-restore')?.id
          expect(run.error, where).toMatchObject({ details: { undo }, message: expect.stringContaining(String(undo)) })
        }
        if (state === 'before') expect(stateOf(await again(), before, after), where).toBe('after')
      }
      // A folder that can't be removed stays.
      if (run.met?.name !== 'rm')
        expect(Object.keys(found).toSorted(), where).toEqual(Object.keys(state === 'after' ? after : before).toSorted())
    })
  })

  test('of which a write is done and reported as failed leaves the sessions as they were or as they are to be', async () => {
    await disturbEach({ kind: 'is lost' }, async ({ run, where, before, after, found }) => {
      expect.soft(['before', 'after'], where).toContain(stateOf(found, before, after))
      if (run.error !== undefined) expect(run.error, where).toMatchObject({ code: 'TARGET_REFUSED' })
    })
  })
})
