import { sep } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { parseStorageUrl } from '../src/storage-url.ts'

const context = { baseFolder: '/base/folder', homeFolder: '/home/ada', argument: '--store' }

function folderOf(text: string): string | undefined {
  const location = parseStorageUrl(text, context)
  return location.kind === 'folder' ? location.folder : undefined
}

function refusal(text: string): CheckpointError {
  try {
    parseStorageUrl(text, context)
  } catch (error) {
    if (error instanceof CheckpointError) return error
    throw error
  }
  throw new Error(`${text} was accepted.`)
}

describe.skipIf(sep !== '/')('a storage URL', () => {
  test.each([
    ['file:///srv/store', '/srv/store'],
    ['file:/srv/store', '/srv/store'],
    ['FILE:///srv/store', '/srv/store'],
    ['file://localhost/srv/store', '/srv/store'],
    ['file:///srv/a%20b%23c', '/srv/a b#c'],
    ['file:store', '/base/folder/store'],
    ['file:../store', '/base/store'],
    ['file:a%20b', '/base/folder/a b'],
    ['file:~/store', '/home/ada/store'],
    ['/srv/store', '/srv/store'],
    ['/srv//x/../store/', '/srv/store'],
    ['store', '/base/folder/store'],
    ['./postgres:store', '/base/folder/postgres:store'],
    ['a b#c?d%20', '/base/folder/a b#c?d%20'],
    ['~', '/home/ada'],
    ['~/store', '/home/ada/store'],
    ['~grace/store', '/base/folder/~grace/store'],
    ['c:/store', '/base/folder/c:/store'],
    ['.', '/base/folder'],
  ])('%s names the folder %s', (text, folder) => {
    expect(folderOf(text)).toBe(folder)
  })

  test('all spellings of one folder have one absolute URL', () => {
    const urls = ['file:///base/folder/a%20b', 'file:a%20b', 'a b', './x/../a b/'].map((text) => parseStorageUrl(text, context).url)
    expect(new Set(urls)).toEqual(new Set(['file:///base/folder/a%20b']))
  })

  test('memory: is a store in memory', () => {
    expect(parseStorageUrl('memory:', context)).toEqual({ kind: 'memory', url: 'memory:' })
  })

  test.each([
    '',
    '  ',
    'file:',
    'file://',
    'file:///srv/store?mode=ro',
    'file:store#part',
    'file://otherhost/srv/store',
    'file:///srv%2Fstore',
    'file:%zz',
    'file:a%00b',
    'a\0b',
    'memory:x',
    'memory://',
    's3://bucket/prefix',
    'https://example.org/',
  ])('%j is refused, with what is accepted', (text) => {
    const error = refusal(text)
    expect(error.code).toBe('ARGUMENT_INVALID')
    expect(error.details).toMatchObject({ argument: '--store', expected: expect.stringContaining('memory:') })
    expect(error.message).toContain('--store')
  })

  test('a password in an unknown URL is not repeated', () => {
    const error = refusal('postgres://ada:secret@db/palimpsest')
    expect(error.message).toContain('postgres:')
    expect(JSON.stringify(error) + error.message).not.toContain('secret')
  })
})
