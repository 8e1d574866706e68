import { execFile } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { CheckpointError } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { type ConfigurationInput, resolveConfiguration } from '../src/configuration.ts'
import { readConfiguration } from '../src/read-configuration.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

const bare: ConfigurationInput = { env: {}, homeFolder: '/home/ada', currentFolder: '/work', flags: {} }
const file = '/home/ada/.config/palimpsest/config.json'

function storeUrl(input: Partial<ConfigurationInput>): string {
  return resolveConfiguration({ ...bare, ...input }).store.url
}

function refusal(input: Partial<ConfigurationInput>): CheckpointError {
  try {
    resolveConfiguration({ ...bare, ...input })
  } catch (error) {
    if (error instanceof CheckpointError) return error
    throw error
  }
  throw new Error('It was accepted.')
}

describe('what is settled', () => {
  test('with nothing set everything is kept, below the home folder', () => {
    expect(resolveConfiguration(bare)).toEqual({
      store: { kind: 'folder', folder: '/home/ada/.local/share/palimpsest', url: 'file:///home/ada/.local/share/palimpsest' },
      storeSource: 'default',
      retention: {},
      retentionSource: 'default',
      file,
      cacheFolder: '/home/ada/.cache/palimpsest',
    })
  })

  test('the XDG folders are used where they are absolute, and ignored where they are relative or empty', () => {
    const env = { XDG_DATA_HOME: '/d', XDG_CONFIG_HOME: '/c', XDG_CACHE_HOME: '/k' }
    expect(resolveConfiguration({ ...bare, env })).toMatchObject({
      store: { folder: '/d/palimpsest' },
      file: '/c/palimpsest/config.json',
      cacheFolder: '/k/palimpsest',
    })
    const relative = { XDG_DATA_HOME: 'd', XDG_CONFIG_HOME: './c', XDG_CACHE_HOME: '' }
    expect(resolveConfiguration({ ...bare, env: relative })).toEqual(resolveConfiguration(bare))
  })

  test('a flag stands above the environment, this above the file, and that above what is built in', () => {
    const fileText = '{ "store": "/from/file", "retention": { "maxCheckpoints": 3 } }'
    const env = { PALIMPSEST_STORE: '/from/env', PALIMPSEST_MAX_CHECKPOINTS: '7' }
    const flags = { store: '/from/flag' }
    expect(resolveConfiguration({ ...bare, env, fileText, flags })).toMatchObject({
      store: { folder: '/from/flag' },
      storeSource: 'flag',
      retention: { maxCheckpoints: 7 },
      retentionSource: 'environment',
    })
    expect(resolveConfiguration({ ...bare, env, fileText })).toMatchObject({ store: { folder: '/from/env' }, storeSource: 'environment' })
    expect(resolveConfiguration({ ...bare, fileText })).toMatchObject({
      store: { folder: '/from/file' },
      storeSource: 'file',
      retention: { maxCheckpoints: 3 },
      retentionSource: 'file',
    })
  })

  test('an empty variable counts as unset, an empty flag does not', () => {
    expect(resolveConfiguration({ ...bare, env: { PALIMPSEST_STORE: '', PALIMPSEST_MAX_CHECKPOINTS: ' ' } })).toEqual(
      resolveConfiguration(bare),
    )
    expect(refusal({ flags: { store: '' } }).details).toMatchObject({ argument: '--store' })
  })

  test('times and sizes of the retention are read as people write them, each limit from where it stands highest', () => {
    const fileText = '{ "retention": { "maxAge": "90d", "maxBytes": "10GB" } }'
    expect(resolveConfiguration({ ...bare, fileText })).toMatchObject({
      retention: { maxAgeMs: 7_776_000_000, maxBytes: 10_000_000_000 },
      retentionSource: 'file',
    })
    expect(resolveConfiguration({ ...bare, fileText: '{ "retention": { "maxAge": 5000, "maxBytes": 7 } }' }).retention).toEqual({
      maxAgeMs: 5000,
      maxBytes: 7,
    })
    const env = { PALIMPSEST_MAX_AGE: '12h', PALIMPSEST_MAX_CHECKPOINTS: '3' }
    expect(resolveConfiguration({ ...bare, env, fileText })).toMatchObject({
      retention: { maxCheckpoints: 3, maxAgeMs: 43_200_000, maxBytes: 10_000_000_000 },
      retentionSource: 'environment',
    })
    expect(resolveConfiguration({ ...bare, env: { PALIMPSEST_MAX_BYTES: '512MiB' } }).retention).toEqual({ maxBytes: 536_870_912 })
  })

  test('a relative store is relative to the working directory where a person typed it, and to the file where it stands in that', () => {
    expect(storeUrl({ flags: { store: 'kept' } })).toBe('file:///work/kept')
    expect(storeUrl({ env: { PALIMPSEST_STORE: 'file:kept' } })).toBe('file:///work/kept')
    expect(storeUrl({ fileText: '{ "store": "kept" }' })).toBe('file:///home/ada/.config/palimpsest/kept')
    expect(storeUrl({ fileText: '{ "store": "~/kept" }' })).toBe('file:///home/ada/kept')
  })

  test('an empty object and a byte order mark are accepted', () => {
    expect(resolveConfiguration({ ...bare, fileText: '\uFEFF{}' })).toEqual(resolveConfiguration(bare))
    expect(resolveConfiguration({ ...bare, fileText: '{ "retention": {} }' })).toEqual(resolveConfiguration(bare))
  })
})

describe('what is refused', () => {
  test.each([
    ['an unknown key', '{ "stroe": "/x" }', 'stroe'],
    ['an unknown key below another', '{ "retention": { "max": 1 } }', 'retention.max'],
    ['a count of 0', '{ "retention": { "maxCheckpoints": 0 } }', 'retention.maxCheckpoints'],
    ['a broken count', '{ "retention": { "maxCheckpoints": 1.5 } }', 'retention.maxCheckpoints'],
    ['a text for a count', '{ "retention": { "maxCheckpoints": "3" } }', 'retention.maxCheckpoints'],
    ['a time that is none', '{ "retention": { "maxAge": "ninety days" } }', 'retention.maxAge'],
    ['a time below 0', '{ "retention": { "maxAge": -1 } }', 'retention.maxAge'],
    ['a size that is none', '{ "retention": { "maxBytes": "10 stones" } }', 'retention.maxBytes'],
    ['a size of 0', '{ "retention": { "maxBytes": 0 } }', 'retention.maxBytes'],
    ['a number for a store', '{ "store": 3 }', 'store'],
    ['null', '{ "store": null }', 'store'],
    ['a store of an unknown kind', '{ "store": "s3://bucket" }', 'store'],
  ])('%s in the file, which names file and key', (_case, fileText, key) => {
    const error = refusal({ fileText })
    expect(error.code).toBe('ARGUMENT_INVALID')
    expect(error.message).toContain(file)
    expect(error.message).toContain(key)
    expect(error.details).toMatchObject({ argument: `${key} in ${file}` })
  })

  test.each(['', '{', '[]', '"text"', 'null', '{ "store": "/x", }', '// comment\n{}'])('the file %j, which is named', (fileText) => {
    const error = refusal({ fileText })
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', details: { argument: file } })
    expect(error.message).toContain(file)
  })

  test.each(['0', '-1', '1.5', '1e3', '0x10', 'many', '99999999999999999999'])('PALIMPSEST_MAX_CHECKPOINTS=%s', (text) => {
    const error = refusal({ env: { PALIMPSEST_MAX_CHECKPOINTS: text } })
    expect(error).toMatchObject({ code: 'ARGUMENT_INVALID', details: { argument: 'PALIMPSEST_MAX_CHECKPOINTS' } })
  })

  test.each([
    ['PALIMPSEST_MAX_AGE', 'soon'],
    ['PALIMPSEST_MAX_AGE', '0'],
    ['PALIMPSEST_MAX_BYTES', '-5GB'],
    ['PALIMPSEST_MAX_BYTES', 'lots'],
  ])('%s=%s', (name, text) => {
    expect(refusal({ env: { [name]: text } })).toMatchObject({ code: 'ARGUMENT_INVALID', details: { argument: name } })
  })

  test('a broken file is refused even where a flag stands above it', () => {
    expect(refusal({ fileText: '{', flags: { store: '/x' } }).code).toBe('ARGUMENT_INVALID')
  })
})

describe('the file', () => {
  async function read(prepare: (path: string) => Promise<unknown>) {
    const homeFolder = await temporaryFolder()
    const folder = join(homeFolder, '.config', 'palimpsest')
    await mkdir(folder, { recursive: true })
    await prepare(join(folder, 'config.json'))
    return readConfiguration({ env: {}, homeFolder, currentFolder: homeFolder, flags: {} })
  }

  test('is read from the folder of configurations, and may be absent', async () => {
    expect(await read((path) => writeFile(path, '{ "retention": { "maxCheckpoints": 9 } }'))).toMatchObject({
      retention: { maxCheckpoints: 9 },
    })
    expect(await read(async () => undefined)).toMatchObject({ storeSource: 'default' })
  })

  test('is never looked for in the working directory', async () => {
    const currentFolder = await temporaryFolder()
    for (const name of ['config.json', 'palimpsest.json', '.palimpsest.json', '.env'])
      await writeFile(join(currentFolder, name), '{ "store": "/stolen" }')
    const homeFolder = join(currentFolder, 'home')
    const configuration = await readConfiguration({ env: {}, homeFolder, currentFolder, flags: {} })
    expect(configuration.store).toMatchObject({ folder: join(homeFolder, '.local/share/palimpsest') })
  })

  test('that is a folder is refused', async () => {
    await expect(read((path) => mkdir(path))).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })

  test.skipIf(process.platform === 'win32')('that is a pipe is refused, and not waited for', async () => {
    await expect(read((path) => promisify(execFile)('mkfifo', [path]))).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
  })
})
