import assert from 'node:assert/strict'
import type { Checkpoints } from '@palimpsest/core'

/** The exact bytes of a checkpoint's parts. */
export type Snapshot = Readonly<Record<string, Uint8Array>>

/** What must be there, by checkpoint id. */
export type Kept = ReadonlyMap<string, Snapshot>

/** Rejects unless each of these is listed once and its main part has these bytes. */
export async function assertStillKept(service: Checkpoints, kept: Kept, where: string): Promise<void> {
  const listed = await listedIds(service, where)
  for (const [id, { main }] of kept) {
    assert.ok(listed.includes(id), `${id} is listed, ${where}`)
    await assertBytes(service, id, 'main', main ?? new Uint8Array(), where)
  }
}

/** Rejects unless each of these is listed once, is got by its id, and reads back byte for byte and entry for entry. */
export async function assertKept(service: Checkpoints, kept: Kept, where: string): Promise<void> {
  const listed = await listedIds(service, where)
  for (const [id, parts] of kept) {
    assert.equal(listed.filter((other) => other === id).length, 1, `${id} is listed once, ${where}`)
    await assertReadsBack(service, id, parts, where)
  }
}

/** Rejects unless a checkpoint reads back byte for byte and entry for entry. */
export async function assertReadsBack(service: Checkpoints, id: string, parts: Snapshot, where: string): Promise<void> {
  const checkpoint = await service.get(id)
  assert.deepEqual(checkpoint.parts.map(({ name }) => name).sort(), Object.keys(parts).sort(), `the parts of ${id}, ${where}`)
  for (const [part, bytes] of Object.entries(parts)) await assertBytes(service, id, part, bytes, where)
  const { total, entries } = await service.read(id, { view: 'raw', limit: 1000 })
  assert.equal(total, linesIn(parts['main']), `the entries of ${id}, ${where}`)
  assert.ok(
    entries.every(({ kind }) => kind !== 'gap'),
    `${id} has no gap, ${where}`,
  )
}

/** The ids of all checkpoints, newest first, of a store in which every session can be read. */
export async function listedIds(service: Checkpoints, where: string): Promise<readonly string[]> {
  const ids: string[] = []
  let cursor: string | undefined
  do {
    const page = await service.list({ limit: 100, cursor })
    assert.deepEqual(page.problems, [], `every session can be read, ${where}`)
    for (const { id, problem } of page.checkpoints) {
      assert.equal(problem, undefined, `the record of ${id}, ${where}`)
      ids.push(id)
    }
    cursor = page.nextCursor
  } while (cursor !== undefined)
  return ids
}

/** All bytes of a part. */
export async function bytesOf(service: Checkpoints, id: string, part = 'main'): Promise<Buffer> {
  const pieces: Uint8Array[] = []
  for await (const piece of service.raw(id, { part })) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** How many lines there are; a last one need not have its line feed. */
function linesIn(bytes: Uint8Array | undefined): number {
  if (bytes === undefined || bytes.length === 0) return 0
  const lineFeeds = bytes.reduce((count, byte) => (byte === 10 ? count + 1 : count), 0)
  return bytes.at(-1) === 10 ? lineFeeds : lineFeeds + 1
}

async function assertBytes(service: Checkpoints, id: string, part: string, wanted: Uint8Array, where: string): Promise<void> {
  const found = await bytesOf(service, id, part)
  if (found.equals(wanted)) return
  const at = found.findIndex((byte, index) => byte !== wanted[index])
  assert.fail(`${part} of ${id} has ${found.length} bytes instead of ${wanted.length}, another one at ${at}, ${where}`)
}
