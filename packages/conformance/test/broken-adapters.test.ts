import { expect, test } from 'vitest'
import { runStorageCases, storageCases } from '../src/index.ts'
import { createReferenceStorage, type Defect, Disk } from './reference-storage.ts'

async function failedCases(defect?: Defect): Promise<readonly string[]> {
  const disk = new Disk()
  const small = storageCases.filter(({ id }) => id !== 'objects/large' && id !== 'objects/too-large')
  const { cases } = await runStorageCases(() => createReferenceStorage(disk, defect), { cases: small, caseTimeoutMs: 5000 })
  return cases.filter(({ outcome }) => outcome === 'failed').map(({ id }) => id)
}

test('a sound adapter passes every case', async () => {
  const disk = new Disk()
  const report = await runStorageCases(() => createReferenceStorage(disk))
  expect(report.cases.filter(({ outcome }) => outcome !== 'passed')).toEqual([])
  expect(report.passed).toBe(storageCases.length)
})

/** The promises of the port by number, a mistake against each, and the cases that are there to find it. */
const defects: readonly (readonly [promise: number, defect: Defect, foundBy: readonly string[]])[] = [
  [1, 'put-overwrites', ['objects/create-only', 'concurrency/put-race']],
  [1, 'put-looks-then-writes', ['concurrency/put-race', 'concurrency/one-instance-race']],
  [1, 'put-in-pieces', ['concurrency/all-or-nothing']],
  [2, 'swap-looks-then-writes', ['concurrency/lost-update', 'concurrency/swap-race', 'concurrency/ref-create-race']],
  [2, 'version-is-digest', ['refs/a-b-a', 'refs/same-bytes']],
  [2, 'read-goes-back', ['concurrency/monotonic']],
  [3, 'null-for-absent', ['objects/missing', 'refs/missing']],
  [3, 'delete-of-absent-throws', ['objects/delete-absent']],
  [3, 'empty-is-absent', ['objects/empty']],
  [4, 'keeps-the-buffer', ['objects/copied-in', 'objects/copied-in-at-once', 'refs/copied-in']],
  [4, 'copies-with-buffer-slice', ['objects/copied-in-at-once', 'refs/copied-in']],
  [4, 'gives-the-buffer', ['objects/copied-out', 'refs/copied-out']],
  [4, 'truncates-ranges', ['objects/range-beyond', 'objects/range-malformed']],
  [5, 'lists-in-order-of-writing', ['lists/byte-order', 'lists/nested-order', 'refs/list-order']],
  [5, 'prefix-is-a-folder', ['lists/prefix-inside', 'refs/list-prefix']],
  [5, 'cursor-must-exist', ['lists/cursor-deleted', 'lists/cursor-anywhere', 'refs/list-cursor']],
  [5, 'lists-own-writes-only', ['lists/another-instance']],
  [5, 'any-limit', ['lists/limits', 'refs/list-limits']],
  [6, 'ignores-signals', ['abort/put', 'abort/compare-and-swap', 'abort/open', 'abort/put-does-nothing', 'abort/swap-does-nothing']],
  [6, 'wraps-the-reason', ['abort/get', 'abort/refs-list', 'abort/delete']],
  [6, 'works-after-close', ['lifecycle/closed-put', 'lifecycle/closed-read', 'lifecycle/closed-open']],
  [7, 'takes-any-key', ['keys/traversal', 'keys/separators', 'keys/devices', 'keys/lengths', 'keys/prefixes', 'keys/cursors']],
  [7, 'lower-cases-keys', ['keys/other-letters']],
  [7, 'one-name-space', ['refs/names-apart']],
  [9, 'throws-plain-errors', ['refs/too-large', 'lifecycle/closed-get']],
  [10, 'names-own-changes-only', ['changes/any-instance', 'changes/replica']],
  [10, 'names-before-the-swap', ['changes/replica']],
  [10, 'believes-any-token', ['changes/no-token', 'changes/not-a-token']],
]

test.each(defects)('promise %i: %s is found', async (_promise, defect, foundBy) => {
  const failed = await failedCases(defect)
  expect(failed).toEqual(expect.arrayContaining([...foundBy]))
  // A mistake in one thing is not reported as a mistake in everything.
  expect(failed.length).toBeLessThan(storageCases.length / 2)
})
