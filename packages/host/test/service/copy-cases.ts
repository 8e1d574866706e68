import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import type { Checkpoints, ImportResult } from '@palimpsest/core'
import { fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { piFile, type SessionFile } from './support/sessions.ts'
import type { OpenStore } from './support/stores.ts'
import { idsIn, openWorkshop, rawOf, type Workshop } from './support/workshop.ts'

const dayMs = 24 * 60 * 60 * 1000

/** A session of OpenClaw, and the copies of it that were made before its compactions. */
interface CopiedSession {
  readonly file: SessionFile
  readonly copies: readonly { readonly path: string; readonly bytes: Uint8Array; readonly leafId: string }[]
}

/** The copies that an agent made of a session before its compactions: OpenClaw 2026.4.7 to 2026.5.20. */
export function copyCases(openStore: OpenStore): void {
  describe('copies that OpenClaw made before its compactions', () => {
    test.each([
      ['the session first', [-1, 0, 1, 2]],
      ['the copies first', [0, 1, 2, -1]],
      ['the newest copy first', [2, 1, 0, -1]],
      ['a copy before and two behind', [1, -1, 2, 0]],
    ])('are the checkpoints of the compactions that the session records, each once: %s', async (_name, order) => {
      const workshop = await openWorkshop(openStore)
      const session = await copiedSession(workshop)
      const service = workshop.service()
      for (const at of order) await imported(service, session.copies[at]?.path ?? session.file.path)
      const ids = [...(await idsIn(service))].reverse()
      expect(ids).toHaveLength(3)
      for (const [at, id] of ids.entries()) {
        expect((await rawOf(service, id)).equals(session.copies[at]?.bytes ?? Buffer.alloc(1))).toBe(true)
        expect(await service.get(id)).toMatchObject({
          sessionKey: 'agent:main:main',
          status: 'complete',
          origin: 'import',
          reason: at === 1 ? 'overflow-retry' : 'manual',
          tokensBefore: 1000,
          tokensAfter: 50 + at,
          preCompaction: { sessionFile: session.file.path },
        })
      }
      const objects = await workshop.objectKeys()
      for (const at of [...order, ...order]) {
        const again = await imported(service, session.copies[at]?.path ?? session.file.path)
        expect(again).toMatchObject({ created: 0, completed: 0, storedBytes: 0 })
      }
      expect([await idsIn(service), await workshop.objectKeys()]).toEqual([[...ids].reverse(), objects])
    })

    test('are checkpoints of their own where the session is gone: positions in one stream, with what sessions.json says of them', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop)
      await rm(file.path)
      const service = workshop.service()
      const first = await imported(service, copies[1]?.path ?? '')
      expect(first).toMatchObject({ created: 2, sessionKey: 'agent:main:main' })
      const smaller = await imported(service, copies[0]?.path ?? '')
      expect(smaller).toMatchObject({ created: 0, completed: 0, storedBytes: 0 })
      await imported(service, copies[2]?.path ?? '')
      const ids = [...(await idsIn(service))].reverse()
      for (const [at, id] of ids.entries()) {
        const { bytes, leafId } = copies[at] ?? { bytes: Buffer.alloc(1), leafId: '' }
        expect((await rawOf(service, id)).equals(bytes)).toBe(true)
        const checkpoint = await service.get(id)
        expect(checkpoint.parts).toMatchObject([{ name: 'main', stream: 0, bytes: bytes.byteLength }])
        expect(checkpoint).toMatchObject({ preCompaction: { leafId }, tokensBefore: 1000, tokensAfter: 50 + at })
      }
      expect(await service.get(ids[2] ?? '')).toMatchObject({
        createdAt: Date.UTC(2026, 0, 2, 3, 4, 6),
        reason: 'manual',
        summary: 'summary c6',
      })
      const { path } = await service.branch(ids[2] ?? '', { to: join(workshop.folder, 'branched') })
      expect(basename(path)).toMatch(/\.jsonl$/)
    })

    test('of a session that was rewritten are streams of their own', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop)
      const other = await piFile(join(workshop.folder, 'other'), file.sessionId)
      await other.turn('something else')
      await other.compact()
      await file.rewrite(other.bytes())
      const service = workshop.service()
      for (const path of [file.path, ...copies.map((copy) => copy.path)]) await imported(service, path)
      const kept = await Promise.all((await idsIn(service)).map((id) => rawOf(service, id)))
      for (const { bytes } of copies) expect(kept.filter((raw) => raw.equals(bytes))).toHaveLength(1)
      expect(kept).toHaveLength(4)
    })

    test('without a record have the time of their last entry, and the same id in any store', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop)
      await writeFile(join(dirname(file.path), 'sessions.json'), '{"torn')
      const { checkpointIds, sessionKey } = await imported(workshop.service(), copies[0]?.path ?? '')
      const checkpoint = await workshop.service().get(checkpointIds[0] ?? '')
      expect(sessionKey).toBe(file.sessionId)
      expect(checkpoint).toMatchObject({ reason: 'unknown', createdAt: Date.UTC(2026, 0, 2, 3, 4, 1) })
      const other = await openWorkshop(openStore)
      expect((await imported(other.service(), copies[0]?.path ?? '')).checkpointIds).toEqual(checkpointIds)
    })

    test('complete a capture that waits on the same bytes', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop)
      const [, copy] = copies
      await file.rewrite(copy?.bytes ?? Buffer.alloc(0))
      const service = workshop.service()
      const pending = await service.capture({ agent: 'openclaw', transcript: fileTranscript(file.path), reason: 'auto-threshold' })
      const found = await imported(service, copy?.path ?? '')
      expect(found.checkpointIds.at(-1)).toBe(pending.checkpoint.id)
      expect(await service.get(pending.checkpoint.id)).toMatchObject({
        status: 'complete',
        reason: 'auto-threshold',
        tokensAfter: 51,
        summary: 'summary c4',
      })
    })

    test('stay deleted with the checkpoint that they are, whoever found it, until they are asked for again', async () => {
      const workshop = await openWorkshop(openStore)
      const session = await copiedSession(workshop)
      const paths = [session.file.path, ...session.copies.map(({ path }) => path)]
      for (const order of [paths, [...paths].reverse()]) {
        const own = await openWorkshop(openStore)
        const service = own.service()
        for (const path of order) await imported(service, path)
        await service.delete(await idsIn(service))
        for (const path of order) expect(await imported(service, path)).toMatchObject({ checkpointIds: [], created: 0 })
        const later = own.service({ now: () => Date.now() + 2 * dayMs })
        await later.prune()
        for (const path of order) expect(await imported(later, path)).toMatchObject({ checkpointIds: [], created: 0 })
        for (const path of order) {
          await later.import({ agent: 'openclaw', transcript: fileTranscript(path), again: true })
        }
        expect(await idsIn(later)).toHaveLength(3)
      }
    })

    test('with a leaf that they don’t have stand at their last entry, else at the one that is said', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop, (at) => (at === 0 ? 'nowhere' : 'a1'))
      await rm(file.path)
      const service = workshop.service()
      const [first] = (await imported(service, copies[0]?.path ?? '')).checkpointIds
      expect((await service.get(first ?? '')).preCompaction.leafId).toBe(copies[0]?.leafId)
      const second = (await imported(service, copies[1]?.path ?? '')).checkpointIds.at(-1)
      expect((await service.get(second ?? '')).preCompaction.leafId).toBe('a1')
    })

    test('put the session itself back, and are never written', async () => {
      const workshop = await openWorkshop(openStore)
      const { file, copies } = await copiedSession(workshop)
      await file.rest()
      const service = workshop.service()
      for (const { path } of copies) await imported(service, path)
      const [newest] = await idsIn(service)
      const restored = await service.restore(newest ?? '')
      expect(restored.path).toBe(file.path)
      for (const { path, bytes } of copies) expect((await readFile(path)).equals(bytes)).toBe(true)
    })

    test('that were torn while they were made are kept up to their last whole line; one that is no session is an error', async () => {
      const workshop = await openWorkshop(openStore)
      const { copies } = await copiedSession(workshop)
      const [copy, other] = copies
      await writeFile(copy?.path ?? '', Buffer.concat([copy?.bytes ?? Buffer.alloc(0), Buffer.from('{"type":"mess')]))
      const service = workshop.service()
      const found = await imported(service, copy?.path ?? '')
      expect(found.problemCount).toBe(1)
      expect((await rawOf(service, found.checkpointIds[0] ?? '')).equals(copy?.bytes ?? Buffer.alloc(1))).toBe(true)
      await writeFile(other?.path ?? '', 'garbage\n')
      await expect(imported(service, other?.path ?? '')).rejects.toMatchObject({ code: 'TRANSCRIPT_UNRECOGNISED' })
      expect(await idsIn(service)).toHaveLength(1)
    })
  })
}

/** Three compactions, each copied before, with records in `sessions.json`. */
async function copiedSession(workshop: Workshop, leafSaid?: (at: number) => string): Promise<CopiedSession> {
  const folder = join(workshop.folder, 'openclaw', 'agents', 'main', 'sessions')
  await mkdir(folder, { recursive: true })
  const file = await piFile(folder, 'claw-session')
  const copies: { path: string; bytes: Uint8Array; leafId: string }[] = []
  const records: object[] = []
  for (let at = 0; at < 3; at += 1) {
    const leafId = await file.turn()
    const path = join(folder, `${basename(file.path, '.jsonl')}.checkpoint.0000000${at}-0000-4000-8000-00000000000${9 - at}.jsonl`)
    await copyFile(file.path, path)
    copies.push({ path, bytes: Buffer.from(file.bytes()), leafId })
    const entryId = await file.compact()
    records.push({
      checkpointId: `1000000${at}-0000-4000-8000-000000000000`,
      sessionKey: 'agent:main:main',
      sessionId: file.sessionId,
      createdAt: Date.UTC(2026, 0, 2, 3, 4, 2 * at + 2),
      reason: at === 1 ? 'overflow-retry' : 'manual',
      tokensBefore: 1000,
      tokensAfter: 50 + at,
      summary: `summary ${entryId}`,
      firstKeptEntryId: leafId,
      preCompaction: { sessionId: file.sessionId, sessionFile: path, leafId: leafSaid?.(at) ?? leafId },
      postCompaction: { sessionId: file.sessionId, sessionFile: file.path, entryId, leafId: entryId },
    })
  }
  await file.turn()
  const registry = { 'agent:main:main': { sessionId: file.sessionId, updatedAt: 1, compactionCheckpoints: records } }
  await writeFile(join(folder, 'sessions.json'), JSON.stringify(registry, null, 2))
  return { file, copies }
}

function imported(service: Checkpoints, path: string): Promise<ImportResult> {
  return service.import({ agent: 'openclaw', transcript: fileTranscript(path) })
}
