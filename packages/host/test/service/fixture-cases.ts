import { createHash } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { cp, mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import type { OpenStore } from './support/stores.ts'
import { idsIn, openWorkshop, rawOf } from './support/workshop.ts'

const fixtures = resolve(import.meta.dirname, '../../../..', process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')
const piSession = join(fixtures, 'pi/before-compaction.jsonl')
const claudeCode = join(fixtures, 'claude-code')
const isThere = existsSync(piSession) && existsSync(claudeCode)

/** Sessions that real agents wrote, read where they lie. */
export function fixtureCases(openStore: OpenStore): void {
  describe.skipIf(!isThere)('the sessions of real agents', () => {
    test('pi: two compactions, each with what the model saw before and after it, and the exact bytes', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const found = await service.import({ agent: 'pi', transcript: fileTranscript(piSession) })
      expect(found).toMatchObject({ created: 2, problemCount: 0 })
      const bytes = await readFile(piSession)
      const expected = [
        { tokensBefore: 175_004, context: 354, after: 67, all: 354 },
        { tokensBefore: 185_014, context: 335, after: 78, all: 622 },
      ]
      for (const [at, { tokensBefore, ...totals }] of expected.entries()) {
        const checkpoint = await service.get(found.checkpointIds[at] ?? '')
        expect(checkpoint.tokensBefore).toBe(tokensBefore)
        for (const view of ['context', 'after', 'all'] as const) {
          expect([view, (await service.read(checkpoint.id, { view, limit: 1 })).total]).toEqual([view, totals[view]])
        }
        expect(sha256(await rawOf(service, checkpoint.id))).toBe(sha256(bytes.subarray(0, checkpoint.boundary?.start)))
        expect(checkpoint.sizeBytes).toBe(checkpoint.boundary?.start)
        expect(JSON.parse(bytes.subarray(checkpoint.boundary?.start, checkpoint.boundary?.end).toString())).toMatchObject({
          type: 'compaction',
          tokensBefore,
        })
      }
      expect(found.storedBytes).toBeLessThan(bytes.byteLength / 4)
      const branched = await service.branch(found.checkpointIds[1] ?? '')
      const copy = workshop.service({ storage: (await openStore())() })
      await copy.capture({ agent: 'pi', transcript: fileTranscript(branched.path), reason: 'requested' })
      expect((await copy.read('latest', { limit: 1 })).total).toBe(335)
    })

    test.each(isThere ? readdirSync(join(claudeCode, 'real')).filter((name) => name.endsWith('.jsonl')) : [])(
      'Claude Code, real/%s: one compaction, its bytes and those of its sub-agents',
      async (name) => {
        const workshop = await openWorkshop(openStore)
        const service = workshop.service()
        const path = join(claudeCode, 'real', name)
        const { checkpointIds } = await service.import({ agent: 'claude-code', transcript: fileTranscript(path) })
        expect(checkpointIds).toHaveLength(1)
        const [id = ''] = checkpointIds
        const checkpoint = await service.get(id)
        expect(checkpoint.sessionKey).toBe(name.replace('.jsonl', ''))
        expect(sha256(await rawOf(service, id))).toBe(sha256((await readFile(path)).subarray(0, checkpoint.boundary?.start)))
        const parts = (await service.parts(id)).filter((part) => part.name !== 'main')
        expect(parts).toHaveLength(2)
        for (const part of parts) {
          const file = await readFile(join(path.replace('.jsonl', ''), part.name))
          expect(sha256(await rawOf(service, id, part.name))).toBe(sha256(file))
          const own = fileTranscript(join(path.replace('.jsonl', ''), part.name))
          expect((await service.import({ agent: 'claude-code', transcript: own })).checkpointIds).toEqual([])
        }
        expect(await idsIn(service)).toEqual([id])
      },
    )

    test.each([
      ['manual/after-compact', 'manual', 3489],
      ['manual/after-compact-plus-turn', 'manual', 3489],
      ['auto/after', 'auto-threshold', 975_035],
      ['partial-from-here/after', 'manual', 3489],
      ['rewind-behind-compact/after', 'manual', 4181],
    ] as const)('Claude Code, generated/%s: one compaction, %s, and the exact bytes before it', async (name, reason, tokensBefore) => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const path = join(claudeCode, 'generated', `${name}.jsonl`)
      const { checkpointIds } = await service.import({ agent: 'claude-code', transcript: fileTranscript(path) })
      expect(checkpointIds).toHaveLength(1)
      const checkpoint = await service.get(checkpointIds[0] ?? '')
      expect(checkpoint).toMatchObject({ reason, tokensBefore, status: 'complete', origin: 'import', summary: expect.stringMatching(/\S/) })
      const before = (await readFile(path)).subarray(0, checkpoint.boundary?.start)
      expect(sha256(await rawOf(service, checkpoint.id))).toBe(sha256(before))
      expect((await service.read(checkpoint.id)).total).toBeGreaterThan((await service.read(checkpoint.id, { view: 'after' })).total)
    })

    test.each([
      'manual/before',
      'auto/before',
      'partial-from-here/before',
      'subagent/55555555-aaaa-4bbb-8ccc-000000000005',
      'subagent/55555555-aaaa-4bbb-8ccc-000000000005/subagents/agent-a43a23a3d6c55aadb',
    ])('Claude Code, generated/%s: no compaction, and nothing stored', async (name) => {
      const workshop = await openWorkshop(openStore)
      const transcript = fileTranscript(join(claudeCode, 'generated', `${name}.jsonl`))
      expect(await workshop.service().import({ agent: 'claude-code', transcript })).toMatchObject({ checkpointIds: [], problemCount: 0 })
      expect(await workshop.objectKeys()).toEqual([])
    })

    test.each([
      ['manual', 'after-compact'],
      ['auto', 'after'],
      ['partial-from-here', 'after'],
    ])('Claude Code, generated/%s: captured at the hook, then imported, it is one checkpoint', async (folder, after) => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const before = await readFile(join(claudeCode, 'generated', folder, 'before.jsonl'))
      const bytes = await readFile(join(claudeCode, 'generated', folder, `${after}.jsonl`))
      const sessionId = String(JSON.parse(before.subarray(0, before.indexOf(10)).toString()).sessionId)
      const path = join(workshop.folder, `${sessionId}.jsonl`)
      const transcript = fileTranscript(path)
      await writeFile(path, before)
      const pending = await service.capture({ agent: 'claude-code', transcript, reason: 'unknown' })
      expect(pending.checkpoint).toMatchObject({ sessionKey: sessionId, status: 'pending' })
      await writeFile(path, bytes)
      const found = await service.import({ agent: 'claude-code', transcript })
      expect(found).toMatchObject({ checkpointIds: [pending.checkpoint.id], created: 0, completed: 1 })
      expect(await idsIn(service)).toEqual([pending.checkpoint.id])
      const checkpoint = await service.get(pending.checkpoint.id)
      expect(checkpoint).toMatchObject({
        status: 'complete',
        reason: folder === 'auto' ? 'auto-threshold' : 'manual',
        tokensBefore: expect.any(Number),
        tokensAfter: expect.any(Number),
        summary: expect.stringMatching(/\S/),
        sizeBytes: checkpoint.boundary?.start,
      })
      expect(sha256(await rawOf(service, checkpoint.id))).toBe(sha256(bytes.subarray(0, checkpoint.boundary?.start)))
    })

    test('Claude Code, generated/subagent: a capture and its branch have every sidecar', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const name = '55555555-aaaa-4bbb-8ccc-000000000005'
      const folder = join(workshop.folder, 'projects')
      await mkdir(folder)
      for (const each of [name, `${name}.jsonl`])
        await cp(join(claudeCode, 'generated/subagent', each), join(folder, each), { recursive: true })
      const { checkpoint } = await service.capture({ agent: 'claude-code', transcript: fileTranscript(join(folder, `${name}.jsonl`)) })
      const names = (await service.parts(checkpoint.id)).map((part) => part.name)
      expect(names).toEqual([
        'main',
        'subagents/agent-a43a23a3d6c55aadb.jsonl',
        'subagents/agent-a43a23a3d6c55aadb.meta.json',
        'tool-results/b5qr0ohk6.txt',
      ])
      for (const part of names.slice(1)) {
        expect(sha256(await rawOf(service, checkpoint.id, part))).toBe(sha256(await readFile(join(folder, name, part))))
      }
      const branched = await service.branch(checkpoint.id)
      const copied = join(dirname(branched.path), branched.sessionId, 'tool-results/b5qr0ohk6.txt')
      expect(sha256(await readFile(copied))).toBe(sha256(await readFile(join(folder, name, 'tool-results/b5qr0ohk6.txt'))))
    })

    test('all in one store: every session has its own, and all are read', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const paths = [
        ...['manual/after-compact', 'auto/after', 'partial-from-here/after', 'rewind-behind-compact/after'].map(
          (name) => `generated/${name}`,
        ),
      ]
      for (const name of paths)
        await service.import({ agent: 'claude-code', transcript: fileTranscript(join(claudeCode, `${name}.jsonl`)) })
      await service.import({ agent: 'pi', transcript: fileTranscript(piSession) })
      expect(await idsIn(service)).toHaveLength(6)
      expect((await service.sessions()).sessions).toHaveLength(5)
    })
  })
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
