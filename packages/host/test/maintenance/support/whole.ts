import type { Checkpoints, Key, Storage } from '@palimpsest/core'
import { z } from 'zod'
// @boundaries-ignore looks below the public surface on purpose
import type { CheckpointRow } from '../../../../core/src/checkpoint.ts'
// @boundaries-ignore looks below the public surface on purpose
import { rowSchema } from '../../../../core/src/checkpoint.ts'
// @boundaries-ignore looks below the public surface on purpose
import type { Chunk, Ledger } from '../../../../core/src/ledger.ts'
// @boundaries-ignore looks below the public surface on purpose
import { unpackDocument } from '../../../../core/src/stored-object.ts'
// @boundaries-ignore looks below the public surface on purpose
import { segmentSchema } from '../../../../core/src/stream.ts'
import { ledgerOf } from '../../service/support/storages.ts'
import { rawOf } from '../../service/support/workshop.ts'

/** Every object of a store with its size. */
export async function sizes(storage: Storage): Promise<ReadonlyMap<string, number>> {
  const found = new Map<string, number>()
  let after: Key | undefined
  do {
    const page = await storage.objects.list('', { after })
    for (const { key, sizeBytes } of page.items) found.set(key, sizeBytes)
    after = page.next
  } while (after !== undefined)
  return found
}

/** The bytes of all objects together. */
export async function totalBytes(storage: Storage): Promise<number> {
  return [...(await sizes(storage)).values()].reduce((sum, size) => sum + size, 0)
}

/** The names of all ledgers. */
export async function ledgerNames(storage: Storage): Promise<readonly Key[]> {
  return (await storage.refs.list('sessions/')).items.map(({ name }) => name)
}

/** Every object that the ledgers of a store name, found out on a way of its own. */
async function namedKeys(storage: Storage): Promise<ReadonlySet<string>> {
  const named = new Set<string>()
  for (const name of await ledgerNames(storage)) {
    const ledger = await ledgerOf(storage, name)
    for (const row of [...(await rowsOf(storage, name, ledger)), ...ledger.trash]) named.add(`${name}/${row.record}`)
    for (const page of [...ledger.pages, ...(ledger.trashPages ?? [])]) named.add(`${name}/${page.object}`)
    for (const part of Object.values(ledger.parts)) {
      for (const stream of part.streams) {
        for (const segment of stream.segments) named.add(`${name}/${segment.object}`)
        for (const [object] of await chunksOf(storage, name, stream)) named.add(`${name}/${object}`)
      }
    }
  }
  return named
}

/** Objects that lie there and that nothing names. */
export async function orphans(storage: Storage): Promise<readonly string[]> {
  const named = await namedKeys(storage)
  return [...(await sizes(storage)).keys()].filter((key) => !named.has(key))
}

/** Objects that are named and don't lie there. */
export async function missing(storage: Storage): Promise<readonly string[]> {
  const there = await sizes(storage)
  return [...(await namedKeys(storage))].filter((key) => !there.has(key))
}

/** The bytes of every part of every checkpoint, by checkpoint and part. */
export async function everything(service: Checkpoints): Promise<ReadonlyMap<string, string>> {
  const found = new Map<string, string>()
  for (const { id, parts } of (await service.list({ limit: 1000 })).checkpoints) {
    for (const { name } of parts) found.set(`${id} ${name}`, (await rawOf(service, id, name)).toString('latin1'))
  }
  return found
}

async function rowsOf(storage: Storage, name: Key, ledger: Ledger): Promise<readonly CheckpointRow[]> {
  const rows = [...ledger.checkpoints]
  for (const page of [...ledger.pages, ...(ledger.trashPages ?? [])]) {
    const bytes = await storage.objects.get(`${name}/${page.object}` as Key)
    if (bytes !== undefined) rows.push(...(await unpackDocument(page.object, 'page', bytes, z.array(rowSchema))))
  }
  return rows
}

async function chunksOf(storage: Storage, name: Key, stream: Ledger['parts'][string]['streams'][number]): Promise<readonly Chunk[]> {
  const chunks = [...stream.open]
  for (const segment of stream.segments) {
    const bytes = await storage.objects.get(`${name}/${segment.object}` as Key)
    if (bytes !== undefined) chunks.push(...(await unpackDocument(segment.object, 'segment', bytes, segmentSchema)))
  }
  return chunks
}
