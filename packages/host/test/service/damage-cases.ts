import { randomBytes } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Key, parseKey, sessionName } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { smallSession } from './reading-cases.ts'
import type { SessionFile } from './support/sessions.ts'
import { changeLedgerBy, ledgerOf, overwriteRef, readOnly, replaceObject } from './support/storages.ts'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf, type Workshop } from './support/workshop.ts'

/** Stores that are damaged, newer, or not to be written: what is whole can still be read. */
export function damageCases(openStore: OpenStore): void {
  chunkCases(openStore)
  ledgerCases(openStore)
  storeCases(openStore)
}

/** Which chunk of the main part, from 0, and how it is damaged. */
async function damageChunk(workshop: Workshop, file: SessionFile, index: number, how: 'flipped' | 'missing' | 'cut'): Promise<Key> {
  const storage = workshop.storage()
  const name = sessionName(file.agent, file.sessionId)
  const chunk = (await ledgerOf(storage, name)).parts['main']?.streams[0]?.open[index]
  if (chunk === undefined) throw new Error(`There is no chunk ${index}.`)
  const [object, offset, storedBytes] = chunk
  const key = parseKey(`${name}/${object}`)
  if (how === 'missing') await storage.objects.delete([key])
  else if (how === 'cut') await replaceObject(storage, key, (bytes) => bytes.subarray(0, offset + storedBytes - 1))
  else {
    await replaceObject(storage, key, (bytes) => {
      const flipped = bytes.slice()
      const at = offset + Math.floor(storedBytes / 2)
      flipped[at] = (bytes[at] ?? 0) ^ 16
      return flipped
    })
  }
  return key
}

/** A session of several chunks: long turns, each of them a line of its own. */
async function longSession(workshop: Workshop): Promise<SessionFile> {
  const file = await workshop.pi()
  for (let at = 0; at < 14; at += 1) await file.turn(randomBytes(80_000).toString('hex'))
  return file
}

function chunkCases(openStore: OpenStore): void {
  describe('a damaged chunk', () => {
    test.each([
      ['flipped', 'digest'],
      ['cut', 'digest'],
      ['missing', 'missing'],
    ] as const)('that is %s is a gap among all other entries; nothing else gives a wrong byte', async (how, problem) => {
      const workshop = await openWorkshop(openStore)
      const file = await longSession(workshop)
      const service = workshop.service()
      const first = await service.capture({ ...of(file), reason: 'requested' })
      await file.turn('the last one')
      const second = await service.capture({ ...of(file), reason: 'requested' })
      const key = await damageChunk(workshop, file, how === 'cut' ? 3 : 1, how)
      const page = await service.read(second.checkpoint.id, { view: 'all', limit: 1000 })
      const gaps = page.entries.filter(({ kind }) => kind === 'gap')
      // One for each chunk that can not be read; an object has several of them.
      if (how === 'flipped') expect(gaps).toHaveLength(1)
      else expect(gaps.length).toBeGreaterThan(0)
      const ids = page.entries.map(({ id }) => id)
      expect(ids.slice(-2)).toEqual(['u15', 'a15'])
      if (how !== 'missing') expect(ids[0]).toBe('u1')
      expect(ids.indexOf(gaps[0]?.id ?? '')).toBeLessThan(ids.indexOf('u15'))
      expect(new Set(ids).size).toBe(ids.length)
      const known = new Set(Array.from({ length: 15 }, (_, at) => [`u${at + 1}`, `a${at + 1}`]).flat())
      for (const entry of page.entries) if (entry.kind !== 'gap') expect(known.has(entry.id)).toBe(true)
      expect(page.entries.length).toBeGreaterThan(how === 'missing' ? 2 : 15)
      const corrupt = {
        code: 'CHECKPOINT_CORRUPT',
        details: { key, problem },
        message: expect.stringContaining('Other checkpoints stay readable'),
      }
      await expect(rawOf(service, second.checkpoint.id)).rejects.toMatchObject(corrupt)
      await expect(service.branch(second.checkpoint.id)).rejects.toMatchObject(corrupt)
      await file.rest()
      await expect(service.restore(first.checkpoint.id)).resolves.toMatchObject({ path: file.path })
      expect(await idsIn(service)).toContain(first.checkpoint.id)
    })

    test('does not touch what comes before it, nor other sessions', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn('short')
      const service = workshop.service()
      const early = await service.capture({ ...of(file), reason: 'requested' })
      const before = Buffer.from(file.bytes())
      for (let at = 0; at < 14; at += 1) await file.turn(randomBytes(80_000).toString('hex'))
      await service.capture({ ...of(file), reason: 'requested' })
      const other = await service.capture({ ...smallSession('other'), reason: 'requested' })
      await damageChunk(workshop, file, 1, 'flipped')
      expect((await rawOf(service, early.checkpoint.id)).equals(before)).toBe(true)
      expect((await service.branch(early.checkpoint.id)).checkpoint.id).toBe(early.checkpoint.id)
      expect((await rawOf(service, other.checkpoint.id)).byteLength).toBe(other.checkpoint.sizeBytes)
    })

    test('in the middle of a line that goes over several leaves this line out, and no other', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn('before')
      await file.turn(randomBytes(1_900_000).toString('hex'))
      await file.turn('after')
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      await damageChunk(workshop, file, 1, 'flipped')
      const { entries } = await service.read(checkpoint.id, { view: 'all' })
      const ids = entries.map(({ id, kind }) => (kind === 'gap' ? 'gap' : id))
      expect(ids.slice(0, 2)).toEqual(['u1', 'a1'])
      expect(ids.slice(-2)).toEqual(['u3', 'a3'])
      expect(ids).toContain('gap')
      expect(ids).not.toContain('u2')
      expect((await service.read(checkpoint.id, { view: 'raw' })).entries.some(({ id }) => id === 'u3')).toBe(true)
    })

    test('does not stop a capture or an import, also where the new bytes end in it', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await longSession(workshop)
      const whole = Buffer.from(file.bytes())
      const service = workshop.service()
      await service.capture({ ...of(file), reason: 'requested' })
      await damageChunk(workshop, file, 1, 'flipped')
      const shorter = whole.subarray(0, whole.lastIndexOf(10, 1_500_000) + 1)
      await file.rewrite(shorter)
      const { checkpoint } = await service.capture({ ...of(file), reason: 'requested' })
      expect((await rawOf(service, checkpoint.id)).equals(shorter)).toBe(true)
    })

    test('of a sidecar leaves the main part whole', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const folder = join(dirname(file.path), file.sessionId, 'tool-results')
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, 'x.txt'), randomBytes(1000))
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      const storage = workshop.storage()
      const name = sessionName('claude-code', file.sessionId)
      await changeLedgerBy(storage, name, (ledger) => ({
        ...ledger,
        parts: Object.fromEntries(
          Object.entries(ledger.parts).map(([part, { streams }]) => [
            part,
            {
              streams: streams.map((stream) => ({
                ...stream,
                open: stream.open.map(([object, offset, stored, raw, lines, digest]) => [
                  object,
                  offset,
                  stored,
                  raw,
                  lines,
                  part === 'main' ? digest : 'another',
                ]),
              })),
            },
          ]),
        ),
      }))
      expect((await rawOf(service, checkpoint.id)).equals(file.bytes())).toBe(true)
      expect((await service.read(checkpoint.id)).total).toBe(2)
      await expect(rawOf(service, checkpoint.id, 'tool-results/x.txt')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
      await expect(service.branch(checkpoint.id)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' })
    })
  })
}

function ledgerCases(openStore: OpenStore): void {
  test('a record that is missing or damaged is said in the list, and hides nothing else', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const ids: string[] = []
    for (let at = 0; at < 3; at += 1) ids.push((await service.capture({ ...smallSession('s', at), reason: 'requested' })).checkpoint.id)
    const storage = workshop.storage()
    const name = sessionName('pi', 's')
    const { checkpoints } = await ledgerOf(storage, name)
    const keys = ids.map((id) => parseKey(`${name}/${checkpoints.find((row) => row.id === id)?.record}`))
    if (keys[0] === undefined || keys[1] === undefined) throw new Error('There is no record.')
    await storage.objects.delete([keys[0]])
    await replaceObject(storage, keys[1], (bytes) => bytes.subarray(0, bytes.byteLength - 1))
    const listed = (await service.list()).checkpoints
    expect(listed.map(({ id }) => id)).toEqual([...ids].reverse())
    expect(listed.map(({ problem }) => problem === undefined)).toEqual([true, false, false])
    await expect(service.get(ids[0] ?? '')).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      details: { key: keys[0], problem: 'missing' },
    })
    await expect(service.read(ids[1] ?? '')).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT', details: { key: keys[1] } })
    expect((await service.read(ids[2] ?? '')).total).toBe(3)
    expect(await service.delete([ids[0] ?? '', ids[1] ?? ''])).toHaveLength(2)
    const next = await service.capture({ ...smallSession('s', 5), reason: 'requested' })
    expect(await idsIn(service)).toEqual([next.checkpoint.id, ids[2]])
  })

  describe('a damaged ledger', () => {
    test('is an error for its own session; all others are listed, found and read', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const lost = await service.capture({ ...smallSession('lost'), reason: 'requested' })
      const others: string[] = []
      for (let at = 0; at < 3; at += 1) others.unshift((await service.capture(smallSession(`other ${at}`))).checkpoint.id)
      const storage = workshop.storage()
      const name = sessionName('pi', 'lost')
      const damaged = Buffer.from((await storage.refs.read(name))?.value ?? [])
      damaged[300] = (damaged[300] ?? 0) ^ 1
      await overwriteRef(storage, name, damaged)
      expect(await idsIn(service)).toEqual(others)
      const page = await service.sessions()
      expect(page.sessions).toHaveLength(3)
      expect(page.problems).toMatchObject([{ name, message: expect.stringContaining(name) }])
      expect((await service.get('latest')).id).toBe(others[0])
      expect((await service.get(others[2]?.slice(-12) ?? '')).id).toBe(others[2])
      expect((await service.read(others[1] ?? '')).total).toBe(1)
      const corrupt = { code: 'CHECKPOINT_CORRUPT', details: { key: name } }
      await expect(service.get(lost.checkpoint.id)).rejects.toMatchObject(corrupt)
      await expect(service.list({ agent: 'pi', sessionKey: 'lost' })).rejects.toMatchObject(corrupt)
      await expect(service.capture(smallSession('lost', 2))).rejects.toMatchObject(corrupt)
      expect((await storage.refs.read(name))?.value).toEqual(Uint8Array.from(damaged))
      expect((await service.capture(smallSession('other 0', 5))).outcome).toBe('captured')
    })

    test('of a newer format is not touched, and the others are read', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      await service.capture(smallSession('newer'))
      const other = await service.capture(smallSession('other'))
      const storage = workshop.storage()
      const name = sessionName('pi', 'newer')
      const value = Buffer.from('{"palimpsest":9,"kind":"ledger","digest":"x"}\nwhat only a newer version knows')
      await overwriteRef(storage, name, value)
      await expect(service.capture(smallSession('newer', 2))).rejects.toMatchObject({
        code: 'FORMAT_UNSUPPORTED',
        details: { found: 9, supported: 1 },
        message: expect.stringContaining('Upgrade'),
      })
      expect((await storage.refs.read(name))?.value).toEqual(Uint8Array.from(value))
      expect(await idsIn(service)).toEqual([other.checkpoint.id])
    })
  })
}

function storeCases(openStore: OpenStore): void {
  test('a store of a newer format is neither read nor written, and the message says to upgrade', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service()
    const { checkpoint } = await service.capture(smallSession('s'))
    const storage = workshop.storage()
    const format = parseKey('format')
    await overwriteRef(storage, format, Buffer.from('{"format":2,"more":true}'))
    const refused = { code: 'FORMAT_UNSUPPORTED', message: expect.stringContaining('Upgrade'), details: { found: 2, supported: 1 } }
    const later = workshop.service()
    await expect(later.get(checkpoint.id)).rejects.toMatchObject(refused)
    await expect(later.list()).rejects.toMatchObject(refused)
    await expect(later.capture(smallSession('s', 2))).rejects.toMatchObject(refused)
    await expect(later.delete([checkpoint.id])).rejects.toMatchObject(refused)
    await overwriteRef(storage, format, Buffer.from('something else'))
    await expect(workshop.service().list()).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      message: expect.stringContaining('palimpsest store'),
    })
    await overwriteRef(storage, format, Buffer.from('{"format":1}'))
    expect(await workshop.service().get(checkpoint.id)).toEqual(checkpoint)
  })

  test('a store that can only be read is read, and refuses everything else without loss', async () => {
    const workshop = await openWorkshop(openStore)
    const file = await workshop.claudeCode()
    await file.turn()
    const { checkpoint } = await workshop.service().capture({ ...of(file), reason: 'manual' })
    const service = workshop.service({ storage: readOnly(workshop.storage()) })
    expect(await service.get(checkpoint.id)).toEqual(checkpoint)
    expect(await idsIn(service)).toEqual([checkpoint.id])
    expect((await service.read('latest')).total).toBe(2)
    expect((await rawOf(service, checkpoint.id)).equals(file.bytes())).toBe(true)
    expect((await service.capture({ ...of(file), reason: 'manual' })).outcome).toBe('unchanged')
    expect((await service.branch(checkpoint.id)).checkpoint.id).toBe(checkpoint.id)
    await file.compact()
    const refused = { code: 'STORAGE_REFUSED', retryable: false, message: expect.stringContaining('what was stored before is untouched') }
    await expect(service.capture({ ...of(file), reason: 'manual' })).rejects.toMatchObject(refused)
    await expect(service.import(of(file))).rejects.toMatchObject(refused)
    await expect(service.complete(checkpoint.id, {})).rejects.toMatchObject(refused)
    await expect(service.abandon(checkpoint.id)).rejects.toMatchObject(refused)
    await expect(service.pin(checkpoint.id)).rejects.toMatchObject(refused)
    await expect(service.delete([checkpoint.id])).rejects.toMatchObject(refused)
    const before = Buffer.from(file.bytes())
    await expect(service.restore(checkpoint.id, { force: true })).rejects.toMatchObject(refused)
    expect((await readFile(file.path)).equals(before)).toBe(true)
    expect(await workshop.service().get(checkpoint.id)).toEqual(checkpoint)
    expect((await rawOf(workshop.service(), checkpoint.id)).byteLength).toBe(checkpoint.sizeBytes)
  })

  test('an empty store that can only be read lists nothing and refuses a capture', async () => {
    const workshop = await openWorkshop(openStore)
    const service = workshop.service({ storage: readOnly(workshop.storage()) })
    expect(await idsIn(service)).toEqual([])
    await expect(service.capture(smallSession('s'))).rejects.toMatchObject({ code: 'STORAGE_REFUSED' })
    expect(await workshop.objectKeys()).toEqual([])
  })

  test('a store that was closed says so', async () => {
    const workshop = await openWorkshop(openStore)
    const storage = workshop.storage()
    const service = workshop.service({ storage })
    await service.capture(smallSession('s'))
    await storage.close()
    await expect(service.list()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE', cause: { kind: 'closed' } })
    expect(await idsIn(workshop.service())).toHaveLength(1)
  })
}
