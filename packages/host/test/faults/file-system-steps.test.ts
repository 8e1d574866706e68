import { describe, expect, test } from 'vitest'
// @boundaries-ignore what its tests are built with is written once, there
import { CrashingFileSystem, type Survives } from '../../../storage-fs/test/crashing-file-system.ts'
// @boundaries-ignore what its tests are built with is written once, there
import { systemError, watchedFileSystem } from '../../../storage-fs/test/failing-file-system.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { assertAllOrNothing, assertGoesOn } from './support/all-or-nothing.ts'
import { type Play, plays, type Scene } from './support/scenes.ts'
import { serviceOver } from './support/service.ts'
import { assertSwept, serviceIn, shapeOf, storageIn } from './support/store-folder.ts'

// What is written beside the store is not the business of this file, and some write as others do.
const withoutFiles = plays.filter(
  ({ name }) => !/^(a branch|a restore|a pin$|the deletion|an undeletion|.*sidecars|an import into)/.test(name),
)
const everything: Survives = () => true
const nothing: Survives = () => false

/** What a process leaves that is killed, and a machine that loses power: names that were not forced to the disk are there or not. */
const ends: readonly (readonly [string, Survives])[] = [
  ['killed', everything],
  ['without power', nothing],
  ['without power, but for a half', (path) => [...path].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, 7) % 2 === 0],
]

interface Set {
  readonly folder: string
  readonly scene: Scene
  readonly fs: CrashingFileSystem
}

async function setScene(play: Play): Promise<Set> {
  const folder = await temporaryFolder()
  const fs = new CrashingFileSystem()
  const scene = await play.set({ folder, storage: storageIn(fs) })
  return { folder, scene, fs }
}

function changes(scene: Scene): boolean {
  return scene.made.length > 0 || scene.touched.some(({ before, after }) => before !== after)
}

describe.each(withoutFiles)('$name', (play) => {
  test('that is killed or loses power after any change of the disk happened or not, and all else is there', async () => {
    const { folder, scene, fs } = await setScene(play)
    const left: { readonly where: string; readonly disk: CrashingFileSystem }[] = []
    let change = 0
    fs.changed = () => {
      change += 1
      for (const [end, survives] of play.name.includes('appended') ? ends : ends.slice(0, 2))
        left.push({ where: `${end} after change ${change}`, disk: fs.afterPowerLoss(survives) })
    }
    await scene.run(serviceOver(storageIn(fs), folder))
    fs.changed = () => undefined
    const seen = new Set<string>()
    for (const { where, disk } of left) {
      const shape = await shapeOf(disk)
      if (seen.has(shape)) continue
      seen.add(shape)
      const service = await serviceIn(disk, folder)
      await assertAllOrNothing(service, scene, where)
      await assertGoesOn(service, scene, where)
      await assertSwept(disk, where)
    }
    expect(seen.size).toBeGreaterThan(5)
  })

  test('that was acknowledged outlives a loss of power', async () => {
    const { folder, scene, fs } = await setScene(play)
    await scene.run(serviceOver(storageIn(fs), folder))
    for (const [end, survives] of ends) {
      const state = await assertAllOrNothing(await serviceIn(fs.afterPowerLoss(survives), folder), scene, end)
      expect(state, end).toBe(changes(scene) ? 'after' : 'before')
    }
  })
})

/** What a call meets: nothing can be written any more, or what was written is not forced to the disk. */
const errorCodeOf = (call: string) => (call === 'file.sync' || call === 'file.close' ? 'EIO' : 'ENOSPC')
const codes = { EIO: 'STORAGE_UNAVAILABLE', ENOSPC: 'STORAGE_REFUSED' } as const

describe.each(withoutFiles.filter(({ name }) => /appended|completion|completes|a deletion|pruning/.test(name)))('$name', (play) => {
  test('of which any write fails says so, or comes through and outlives a loss of power', async () => {
    const { folder, scene, fs } = await setScene(play)
    let met = 0
    for (let failing = 1; ; failing += 1) {
      const disk = fs.afterPowerLoss(everything)
      let calls = 0
      let failed = ''
      let errorCode: keyof typeof codes = 'EIO'
      const failingDisk = watchedFileSystem(disk, ({ name, path, writes }) => {
        if (!writes && name !== 'file.sync') return
        calls += 1
        if (calls !== failing) return
        failed = `${name} ${path}`
        errorCode = errorCodeOf(name)
        throw systemError(errorCode)
      })
      const outcome = await scene.run(serviceOver(storageIn(failingDisk), folder)).catch((error: unknown) => error)
      if (failed === '') break
      met += 1
      const where = `${errorCode} at ${failed}`
      const state = await assertAllOrNothing(await serviceIn(disk, folder), scene, where)
      if (outcome instanceof Error)
        expect(outcome, where).toMatchObject({ code: codes[errorCode], message: expect.stringContaining(errorCode) })
      else {
        expect(state, where).toBe(changes(scene) ? 'after' : 'before')
        const later = await assertAllOrNothing(await serviceIn(disk.afterPowerLoss(nothing), folder), scene, `without power after ${where}`)
        expect.soft(later, `acknowledged, then without power, ${where}`).toBe(state)
      }
      await assertGoesOn(await serviceIn(disk, folder), scene, where)
      await assertSwept(disk, where)
    }
    expect(met).toBeGreaterThan(5)
  })
})
