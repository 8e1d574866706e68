import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { zstdCompressSync } from 'node:zlib'
import { fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { idsIn, openWorkshop, rawOf, type Workshop } from './support/workshop.ts'

const fixtures = resolve(import.meta.dirname, '../../../..', process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'codex')
const chainFolder = join(fixtures, '0.169.0/manual-fork-revert')
const mainThread = '01a204f0-e726-7ce0-a9f6-30892aff5249'
const legacyId = '01a204fa-fe26-7130-a2b2-399f537fa814'

/** Sessions that the real Codex wrote, where it would keep them. */
export function codexCases(openStore: OpenStore): void {
  describe.skipIf(!existsSync(fixtures))('the sessions of the real Codex', () => {
    test.each([
      ['0.125.0/matrix-source', 'auto-threshold', 10],
      ['0.157.1/matrix-source', 'auto-threshold', 10],
      ['0.169.0/local-auto-midturn', 'auto-threshold', 12],
      ['0.169.0/local-auto-preturn', 'auto-threshold', 4],
      ['0.169.0/remote-openai-encrypted', 'auto-threshold', 10],
      ['0.169.0/token-budget-reset-no-summary', 'auto-threshold', 10],
      [`0.169.0/manual-fork-revert/rollout-2026-11-22T20-27-06-${mainThread}`, 'manual', 10],
    ] as const)('%s: one compaction, %s, the exact bytes before it, and a branch with the same %i items', async (name, reason, context) => {
      const service = (await openWorkshop(openStore)).service()
      const path = join(fixtures, `${name}.jsonl`)
      const found = await service.import({ agent: 'codex', transcript: fileTranscript(path) })
      expect(found).toMatchObject({ created: 1, problemCount: 0 })
      const [id = ''] = found.checkpointIds
      const checkpoint = await service.get(id)
      expect(checkpoint).toMatchObject({ reason, status: 'complete', tokensBefore: expect.any(Number), tokensAfter: expect.any(Number) })
      const bytes = await readFile(path)
      expect((await rawOf(service, id)).equals(bytes.subarray(0, checkpoint.boundary?.start))).toBe(true)
      const before = await service.read(id)
      expect(before).toMatchObject({ total: context, problems: [] })
      const branched = await service.branch(id)
      expect(branched.path).toMatch(new RegExp(`/sessions/\\d{4}/\\d\\d/\\d\\d/rollout-.*-${branched.sessionId}\\.jsonl$`))
      const { checkpoint: copy } = await service.capture({ agent: 'codex', transcript: fileTranscript(branched.path), reason: 'requested' })
      expect(copy.sessionKey).toBe(branched.sessionId)
      const after = await service.read(copy.id)
      expect(after.entries.map(({ text }) => text)).toEqual(before.entries.map(({ text }) => text))
    })

    test('captured at the hook, then imported, it is one checkpoint that reaches up to the boundary', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const path = await rolloutIn(workshop, 'hook', await readFile(join(fixtures, 'hooks/transcript-at-PreCompact.jsonl')))
      const pending = await service.capture({ agent: 'codex', transcript: fileTranscript(path), reason: 'auto-threshold' })
      const bytes = await readFile(join(fixtures, 'hooks/transcript-final.jsonl'))
      await writeFile(path, bytes)
      const found = await service.import({ agent: 'codex', transcript: fileTranscript(path) })
      expect(found).toMatchObject({ checkpointIds: [pending.checkpoint.id], created: 0, completed: 1 })
      const checkpoint = await service.get(pending.checkpoint.id)
      expect((await rawOf(service, checkpoint.id)).equals(bytes.subarray(0, checkpoint.boundary?.start))).toBe(true)
    })

    test('restored in place it stands before the compaction; the undo gives the file back byte for byte', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const bytes = await readFile(join(fixtures, '0.157.1/matrix-source.jsonl'))
      const path = await rolloutIn(workshop, '01a204fb-38af-70f3-9cb9-dab6140b3972', bytes)
      const { checkpointIds } = await service.import({ agent: 'codex', transcript: fileTranscript(path) })
      await untouchedForLong(path)
      const { undo } = await service.restore(checkpointIds[0] ?? '')
      const restored = (await readFile(path)).toString()
      expect(restored).not.toContain('"type":"compacted"')
      expect(JSON.parse(restored.trimEnd().split('\n').at(-1) ?? '')).toMatchObject({
        payload: { info: { last_token_usage: { total_tokens: 0 } } },
      })
      expect((await service.import({ agent: 'codex', transcript: fileTranscript(path) })).checkpointIds).toEqual([])
      await untouchedForLong(path)
      await service.restore(undo)
      expect((await readFile(path)).equals(bytes)).toBe(true)
    })

    test('compressed by Codex it is the same session, with the same checkpoint and nothing new; it is not replaced', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const bytes = await readFile(join(fixtures, '0.125.0/matrix-source.jsonl'))
      const path = await rolloutIn(workshop, legacyId, bytes)
      const { checkpointIds } = await service.import({ agent: 'codex', transcript: fileTranscript(path) })
      await rm(path)
      await writeFile(`${path}.zst`, zstdCompressSync(bytes))
      const again = await service.import({ agent: 'codex', transcript: fileTranscript(`${path}.zst`) })
      expect(again).toMatchObject({ checkpointIds, created: 0, storedBytes: 0 })
      await expect(service.restore(checkpointIds[0] ?? '', { path: `${path}.zst` })).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    })

    test('rewritten in place by a migration, its compaction is still the same', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const bytes = await readFile(join(fixtures, '0.125.0/matrix-source.jsonl'))
      const path = await rolloutIn(workshop, legacyId, bytes)
      const { checkpointIds } = await service.import({ agent: 'codex', transcript: fileTranscript(path) })
      const lines = bytes.toString().trimEnd().split('\n')
      await writeFile(path, lines.map((line, ordinal) => `${JSON.stringify({ ...JSON.parse(line), ordinal })}\n`).join(''))
      expect(await service.import({ agent: 'codex', transcript: fileTranscript(path) })).toMatchObject({ checkpointIds, created: 0 })
      expect((await rawOf(service, checkpointIds[0] ?? '')).equals(bytes.subarray(0, 35_475))).toBe(true)
    })

    test('forks and reverted segments: the compaction that they inherit is the one of their source', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const folder = join(workshop.folder, 'codex/sessions/2026/11/22')
      await cp(chainFolder, folder, { recursive: true })
      const sessions = new Map<string, number>()
      for (const name of (await readdir(folder)).sort()) {
        const found = await service.import({ agent: 'codex', transcript: fileTranscript(join(folder, name)) })
        sessions.set(found.sessionKey, (sessions.get(found.sessionKey) ?? 0) + found.created)
        expect(found.problemCount).toBe(0)
      }
      expect([...sessions.values()]).toEqual([1, 0, 0])
      expect(await idsIn(service)).toHaveLength(1)
      const fork = join(folder, 'rollout-2026-11-22T20-27-07-01a204f0-ec0a-7193-b568-d22869aa56e5.jsonl')
      const { checkpoint } = await service.capture({ agent: 'codex', transcript: fileTranscript(fork), reason: 'session-end' })
      expect((await service.read(checkpoint.id)).total).toBe(12)
      await expect(service.restore(checkpoint.id, { force: true })).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
      // What the fork goes on from may be deleted: the checkpoint holds it.
      await rm(folder, { recursive: true })
      const branched = await service.branch(checkpoint.id)
      expect((await readFile(branched.path)).toString()).not.toContain('history_base')
    })
  })
}

async function rolloutIn(workshop: Workshop, id: string, bytes: Uint8Array): Promise<string> {
  const path = join(workshop.folder, 'codex/sessions/2026/11/22', `rollout-2026-11-22T20-38-07-${id}.jsonl`)
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  return path
}

/** As if the agent had been quiet for an hour. */
async function untouchedForLong(path: string): Promise<void> {
  const at = new Date(Date.now() - 3_600_000)
  await utimes(path, at, at)
}
