import assert from 'node:assert/strict'
import { type Key, parseKey } from '@palimpsest/core'
import { expect, test } from 'vitest'
import { createFsStorage } from '../src/index.ts'
import { CrashingFileSystem, type Forgets, type Survives } from './crashing-file-system.ts'

const ref = parseKey('sessions/shared')
const bytesOf = (text: string) => new TextEncoder().encode(`${text} `.repeat(40))

/** What the writer knows at a moment: what was acknowledged, and what it was about to do. */
interface Moment {
  readonly acknowledged: readonly Key[]
  readonly underWay: Key | undefined
  readonly swaps: number
  readonly swapping: boolean
  /** Of somebody who follows the changes: the token he got last, and after how many swaps. */
  readonly followed: { readonly token: string | undefined; readonly swaps: number }
}

/** Puts and swaps, the first on an empty disk, and the moment after every change of the file system. */
async function work(fs: CrashingFileSystem, onChange: (moment: Moment) => void): Promise<void> {
  const storage = createFsStorage({ folder: '/disk/store', fs })
  const acknowledged: Key[] = []
  let underWay: Key | undefined
  let swaps = 0
  let swapping = false
  let followed: Moment['followed'] = { token: undefined, swaps: 0 }
  fs.changed = () => onChange({ acknowledged: [...acknowledged], underWay, swaps, swapping, followed })
  let version: Awaited<ReturnType<typeof storage.refs.compareAndSwap>>
  for (let at = 0; at < 8; at += 1) {
    underWay = parseKey(`sessions/s${at % 2}/object-${at}`)
    await storage.objects.put(underWay, bytesOf(underWay))
    acknowledged.push(underWay)
    underWay = undefined
    swapping = true
    version = await storage.refs.compareAndSwap(ref, bytesOf(`swap ${swaps + 1}`), version)
    assert.ok(version)
    swaps += 1
    swapping = false
    if (at % 3 !== 1) followed = { token: (await storage.refs.changes?.(followed.token))?.token, swaps }
  }
}

/** Rejects when a store doesn't hold what was acknowledged at a moment, holds half of something, or can't be written any more. */
async function check(fs: CrashingFileSystem, { acknowledged, underWay, swaps, swapping, followed }: Moment): Promise<void> {
  const storage = createFsStorage({ folder: '/disk/store', fs })
  await storage.open()
  for (const key of acknowledged) assert.deepEqual(await storage.objects.get(key), bytesOf(key), `${key} was acknowledged`)
  const seen = underWay === undefined ? undefined : await storage.objects.get(underWay)
  if (underWay !== undefined && seen !== undefined) assert.deepEqual(seen, bytesOf(underWay), `${underWay} is torn`)
  for (const { key, sizeBytes } of (await storage.objects.list('')).items) assert.equal(sizeBytes, bytesOf(key).length, `${key} is torn`)
  const read = await storage.refs.read(ref)
  const allowed = [swaps, ...(swapping ? [swaps + 1] : [])].map((at) =>
    at === 0 ? undefined : new TextDecoder().decode(bytesOf(`swap ${at}`)),
  )
  const value = read === undefined ? undefined : new TextDecoder().decode(read.value)
  assert.ok(allowed.includes(value), `the ref is ${value}, after ${swaps} swaps`)
  if (swaps > followed.swaps) {
    const changes = await storage.refs.changes?.(followed.token)
    assert.ok(changes?.names === undefined || changes.names.includes(ref), `a swap after the ${followed.swaps}th is not among the changes`)
  }
  if (underWay !== undefined) assert.equal((await storage.objects.put(underWay, bytesOf(underWay))).created, seen === undefined)
  assert.ok(await storage.refs.compareAndSwap(ref, bytesOf('later'), read?.version))
}

const survivals: readonly Survives[] = [
  () => false,
  () => true,
  ...[3, 5, 7, 11].map(
    (seed): Survives =>
      (path) =>
        [...path].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) >>> 0, seed) % 2 === 0,
  ),
]

/** Every state in which a loss of power can leave the disk, checked; gives how many there were, and what was wrong with them. */
async function violations(
  forgets?: Forgets,
  ways: readonly Survives[] = survivals,
): Promise<{ readonly states: number; readonly wrong: readonly string[] }> {
  const states: { readonly disk: CrashingFileSystem; readonly moment: Moment }[] = []
  const fs = new CrashingFileSystem(forgets)
  await work(fs, (moment) => {
    for (const survives of ways) states.push({ disk: fs.afterPowerLoss(survives), moment })
  })
  const wrong: string[] = []
  for (const { disk, moment } of states) await check(disk, moment).catch((error: unknown) => wrong.push(String(error)))
  return { states: states.length, wrong }
}

test('a loss of power at any moment loses nothing acknowledged and leaves nothing torn', async () => {
  const { states, wrong } = await violations()
  expect(wrong).toEqual([])
  expect(states).toBeGreaterThan(500)
})

test('the same check finds an adapter that forgets to force files, or folders, to the disk', async () => {
  expect((await violations('files', survivals.slice(0, 2))).wrong.length).toBeGreaterThan(100)
  expect((await violations('folders', survivals.slice(0, 2))).wrong.length).toBeGreaterThan(100)
})
