import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { openCatalogue } from '../src/catalogue/open-catalogue.ts'
import { findTranscripts, type Host, type HostOptions, openHost } from '../src/index.ts'
import { compactedPiSession, put } from './support/sessions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

async function open(options: HostOptions): Promise<Host> {
  const host = await openHost({ env: {}, ...options })
  onTestFinished(() => host.close())
  return host
}

/** Imports every session of the home folder, as `scan` does. */
async function scan(host: Host): Promise<string[]> {
  const ids: string[] = []
  for await (const found of findTranscripts(host)) {
    if ('error' in found) throw found.error
    const { checkpointIds } = await host.checkpoints.import({ agent: found.agent, transcript: host.files.origin(found.path) })
    ids.push(...checkpointIds)
  }
  return ids
}

async function homeWithSessions(...ids: readonly string[]): Promise<string> {
  const homeFolder = await temporaryFolder()
  for (const [index, id] of ids.entries()) {
    await put(join(homeFolder, '.pi/agent/sessions/--p--', `${id}.jsonl`), compactedPiSession(id, `2026-01-02T03:04:${10 + index}.000Z`))
  }
  return homeFolder
}

async function listedKeys(host: Host): Promise<string[]> {
  return (await host.checkpoints.list()).checkpoints.map(({ sessionKey }) => sessionKey)
}

async function catalogueFolders(homeFolder: string): Promise<string[]> {
  return readdir(join(homeFolder, '.cache/palimpsest')).catch(() => [])
}

describe('a host', () => {
  test('finds the sessions, keeps their compactions and lists them, in its default places', async () => {
    const homeFolder = await homeWithSessions('one', 'two')
    const host = await open({ homeFolder })
    expect(host.storeUrl).toBe(pathToFileURL(join(homeFolder, '.local/share/palimpsest')).href)
    expect(host.readers.map(({ agent }) => agent).sort()).toEqual([
      'claude-code',
      'codex',
      'copilot',
      'gemini',
      'messages',
      'openclaw',
      'opencode',
      'pi',
    ])
    const ids = await scan(host)
    expect(ids).toHaveLength(2)
    expect(await listedKeys(host)).toEqual(['two', 'one'])
    expect((await host.checkpoints.sessions()).sessions.map(({ sessionKey }) => sessionKey)).toEqual(['two', 'one'])
    expect((await host.checkpoints.get(String(ids[0]).slice(-8))).id).toBe(ids[0])
    const [folder = '', ...others] = await catalogueFolders(homeFolder)
    expect(folder).toMatch(/^[0-9a-f]{32}$/)
    expect(others).toEqual([])
    const catalogue = await openCatalogue({ folder: join(homeFolder, '.cache/palimpsest', folder) })
    onTestFinished(() => catalogue?.close())
    expect((await catalogue?.names())?.size).toBe(2)
  })

  test('sees what another one kept, before and after its own first look', async () => {
    const homeFolder = await homeWithSessions('one')
    const [reader, writer] = [await open({ homeFolder }), await open({ homeFolder })]
    expect(await listedKeys(reader)).toEqual([])
    await scan(writer)
    expect(await listedKeys(reader)).toEqual(['one'])
    await put(join(homeFolder, '.pi/agent/sessions/--p--/two.jsonl'), compactedPiSession('two', '2026-01-02T03:05:00.000Z'))
    await scan(writer)
    expect(await listedKeys(reader)).toEqual(['two', 'one'])
    await writer.checkpoints.deleteSession({ agent: 'pi', sessionKey: 'two' })
    expect(await listedKeys(reader)).toEqual(['one'])
  })

  test('lists the same without a catalogue, with a lost one and with a damaged one', async () => {
    const homeFolder = await homeWithSessions('one', 'two')
    await scan(await open({ homeFolder }))
    const [folder = ''] = await catalogueFolders(homeFolder)
    const cache = join(homeFolder, '.cache/palimpsest', folder)
    await rm(cache, { recursive: true })
    expect(await listedKeys(await open({ homeFolder }))).toEqual(['two', 'one'])
    await writeFile(join(cache, 'catalogue.sqlite'), 'no database')
    expect(await listedKeys(await open({ homeFolder }))).toEqual(['two', 'one'])
    await rm(join(homeFolder, '.cache'), { recursive: true })
    await writeFile(join(homeFolder, '.cache'), 'in the way')
    const without = await open({ homeFolder })
    expect(await listedKeys(without)).toEqual(['two', 'one'])
  })

  test('forgets what it knew of a store that was deleted and made anew', async () => {
    const homeFolder = await homeWithSessions('one', 'two')
    const store = join(homeFolder, 'store')
    const first = await open({ homeFolder, store })
    await scan(first)
    await first.checkpoints.label('latest', { text: 'so that the ledger has more commits than the next one' })
    await first.close()
    for (const name of await readdir(store)) await rm(join(store, name), { recursive: true })
    await rm(join(homeFolder, '.pi/agent/sessions/--p--/one.jsonl'))
    const second = await open({ homeFolder, store })
    await scan(second)
    expect(await listedKeys(second)).toEqual(['two'])
    expect((await second.checkpoints.sessions()).sessions).toHaveLength(1)
  })

  test('has one catalogue for all links to a store, those made before the store too', async () => {
    const homeFolder = await homeWithSessions('one')
    await mkdir(join(homeFolder, 'real'))
    await symlink('real', join(homeFolder, 'link'))
    const linked = await open({ homeFolder, store: join(homeFolder, 'link/store') })
    await scan(linked)
    const direct = await open({ homeFolder, store: join(homeFolder, 'real/store') })
    expect(await listedKeys(direct)).toEqual(['one'])
    expect(await catalogueFolders(homeFolder)).toHaveLength(1)
  })

  test('in memory works, makes no folder and shares nothing', async () => {
    const homeFolder = await homeWithSessions('one')
    const host = await open({ homeFolder, store: 'memory:' })
    await scan(host)
    expect(host.storeUrl).toBe('memory:')
    expect(await listedKeys(host)).toEqual(['one'])
    expect(await listedKeys(await open({ homeFolder, store: 'memory:' }))).toEqual([])
    expect(await readdir(homeFolder)).toEqual(['.pi'])
  })

  test('makes no store until something is kept', async () => {
    const homeFolder = await temporaryFolder()
    const host = await open({ homeFolder, store: join(homeFolder, 'store') })
    expect(await listedKeys(host)).toEqual([])
    expect(existsSync(join(homeFolder, 'store'))).toBe(false)
  })

  test('keeps no more than its configuration says', async () => {
    const homeFolder = await temporaryFolder()
    await put(join(homeFolder, '.config/palimpsest/config.json'), '{ "store": "kept", "retention": { "maxCheckpoints": 1 } }')
    const host = await open({ homeFolder })
    expect(host.storeUrl).toBe(pathToFileURL(join(homeFolder, '.config/palimpsest/kept')).href)
    const path = await put(join(homeFolder, 'one.jsonl'), compactedPiSession('one', '2026-01-02T03:04:10.000Z'))
    const capture = (createdAt: number) =>
      host.checkpoints.capture({ agent: 'pi', transcript: host.files.origin(path), reason: 'requested', createdAt })
    await capture(1_767_323_050_000)
    await writeFile(
      path,
      `${compactedPiSession('one', '2026-01-02T03:04:10.000Z')}{"type":"custom","id":"cccccccc","parentId":"bbbbbbbb"}\n`,
    )
    await capture(1_767_323_060_000)
    expect((await host.checkpoints.list()).checkpoints).toMatchObject([{ createdAt: 1_767_323_060_000 }])
  })

  test('closes twice, and is closed afterwards', async () => {
    const homeFolder = await homeWithSessions('one')
    const host = await open({ homeFolder })
    await scan(host)
    await host.close()
    await host.close()
    await expect(host.checkpoints.list()).rejects.toThrow()
    expect(existsSync(join(homeFolder, '.cache/palimpsest', String((await catalogueFolders(homeFolder))[0]), 'catalogue.sqlite-wal'))).toBe(
      false,
    )
  })
})

describe('a host is refused', () => {
  test('for a store or a file that can not be understood', async () => {
    const homeFolder = await temporaryFolder()
    await expect(openHost({ env: {}, homeFolder, store: 's3://bucket' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await put(join(homeFolder, '.config/palimpsest/config.json'), '{')
    await expect(openHost({ env: {}, homeFolder })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  test('for a store that is a file', async () => {
    const homeFolder = await temporaryFolder()
    const store = await put(join(homeFolder, 'file'), 'in the way')
    await expect(openHost({ env: {}, homeFolder, store })).rejects.toMatchObject({ code: expect.stringMatching(/^STORAGE_/) })
  })

  test('for a store that a newer version laid out', async () => {
    const homeFolder = await homeWithSessions('one')
    const store = join(homeFolder, 'store')
    const host = await open({ homeFolder, store })
    await scan(host)
    await host.close()
    await rm(join(store, 'layout'))
    await writeFile(join(store, 'layout'), 'palimpsest-fs 99\n')
    await expect(openHost({ env: {}, homeFolder, store })).rejects.toMatchObject({ code: 'FORMAT_UNSUPPORTED' })
  })

  test.skipIf(process.getuid?.() === 0)('for a store that may not be read', async () => {
    const homeFolder = await temporaryFolder()
    const store = join(homeFolder, 'store')
    await mkdir(store, { mode: 0 })
    onTestFinished(() => chmod(store, 0o700))
    await expect(openHost({ env: {}, homeFolder, store })).rejects.toMatchObject({ code: 'STORAGE_REFUSED' })
  })
})
