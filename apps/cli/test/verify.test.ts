import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { fakeHost, verifyReport } from './fake-host.ts'
import { scannedStore } from './store.ts'

const damage = { key: 'sessions/x-pi/0-ab', problem: 'digest' as const, checkpointIds: ['a', 'b', 'c', 'd', 'e', 'f'] }

describe('verify', () => {
  test('of a whole store says how much it read', async () => {
    const { status, stdout } = await commandLine(['verify'], { host: fakeHost() })
    expect({ status, stdout }).toEqual({ status: 0, stdout: 'Whole: 1 session · 2 checkpoints · 3 chunks · 3.9 KiB read\n' })
  })

  test('names what is damaged, and exits 4', async () => {
    const host = fakeHost({ verified: verifyReport({ damaged: [damage] }) })
    const { status, stdout } = await commandLine(['verify'], { host })
    expect(status).toBe(4)
    expect(stdout).toContain('not what was stored: sessions/x-pi/0-ab (a, b, c, d, e and 1 more)')
    expect(stdout).toContain('palimpsest verify --repair')
    const asJson = await commandLine(['verify', '--json'], { host })
    expect([asJson.status, asJson.json()]).toEqual([4, verifyReport({ damaged: [damage] })])
  })

  test('with --repair says what was mended, and exits 0 when nothing is left', async () => {
    const host = fakeHost({ verified: verifyReport({ repaired: [damage] }) })
    const { status, stdout } = await commandLine(['verify', '--repair'], { host })
    expect(status).toBe(0)
    expect(stdout).toContain('repaired: sessions/x-pi/0-ab')
    expect(host.calls).toMatchObject([{ operation: 'verify', args: [{ repair: true }] }])
  })

  test('finds a damaged byte in a real store, and mends it from the session file', async () => {
    const { store, id } = await scannedStore({ messages: 40 })
    await using _folder = store
    const folder = join(store.folder, 'store', 'objects')
    const files = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    for (const entry of files) {
      const path = join(entry.parentPath, entry.name)
      const bytes = await readFile(path)
      if (!bytes.includes('"kind":"chunks"')) continue
      bytes[bytes.length - 5] = (bytes.at(-5) ?? 0) ^ 255
      await writeFile(path, bytes)
    }
    const found = await store.run(['verify', '--json'])
    expect([found.status, found.json()]).toMatchObject([4, { damaged: [{ problem: 'digest', checkpointIds: [id] }], repaired: [] }])
    expect(await store.json('verify', '--repair')).toMatchObject({ damaged: [], repaired: [{ checkpointIds: [id] }] })
    expect(await store.json('verify')).toMatchObject({ damaged: [], repaired: [] })
  })

  test('a ledger that is damaged comes back, in every list too', async () => {
    const { store, id } = await scannedStore()
    await using _folder = store
    for (let times = 0; times < 3; times += 1) {
      await store.json('pin', id)
      await store.json('pin', id, '--off')
    }
    const folder = join(store.folder, 'store', 'refs')
    const generations = (await readdir(folder, { recursive: true, withFileTypes: true })).filter((entry) => entry.isFile())
    for (const entry of generations) {
      const path = join(entry.parentPath, entry.name)
      const bytes = await readFile(path)
      const at = bytes.indexOf('"sessionKey"')
      if (at < 0) continue
      bytes[at + 1] = 'S'.charCodeAt(0)
      await writeFile(path, bytes)
    }
    expect(await store.run(['verify', '--json'])).toMatchObject({ status: 4 })
    expect((await store.run(['prune'])).stderr).toContain('not readable')
    expect(await store.json('verify', '--repair')).toMatchObject({ damaged: [], repaired: [{ problem: 'digest', checkpointIds: [id] }] })
    expect(await store.json('list')).toMatchObject({ checkpoints: [{ id }], problems: [] })
    expect(await store.json('delete', id)).toMatchObject({ deleted: [id] })
    expect(await store.json('list')).toMatchObject({ checkpoints: [] })
    expect(await store.json('sessions')).toMatchObject({ sessions: [] })
  })
})
