import assert from 'node:assert/strict'
import type { Key, Storage } from '@palimpsest/core'
import type { StorageCase, StorageCaseContext } from '../storage-case.ts'
import { assertBytes, assertRefused, casesOf, listedKeys, listedNames, utf8 } from './assertions.ts'

const keyCase = casesOf('keys')

/** What a key may be; anything else is refused by every operation before the backend sees it. */
export const keyCases: readonly StorageCase[] = [
  keyCase(
    'traversal',
    'path traversal is refused',
    refusesEach(['../x', '..', '.', 'a/../b', 'a/..', './a', 'a/./b', '/a', '/', 'a/', 'a//b', '...']),
  ),
  keyCase(
    'separators',
    'backslashes, drives, NUL, control characters and spaces are refused',
    refusesEach(['a\\b', '..\\x', 'c:/x', 'c:', 'a\0b', '\0', 'a\nb', 'a\tb', 'a b', ' a', 'a\u007f']),
  ),
  keyCase(
    'other-letters',
    'upper case, other letters and lone surrogates are refused',
    refusesEach(['A', 'aB', 'ä', 'a\u0301', '字', '😀', '\ud800', 'a\udfffb', 'ſ', 'ı', '．．/x']),
  ),
  keyCase(
    'wildcards',
    'characters that mean something to shells, URLs, SQL or adapters are refused',
    refusesEach(['a%2fb', 'a%', 'a*', 'a?b', 'a#b', "a'b", 'a"b', 'a;b', 'a+b', 'a=b', 'a~', 'a@b', 'a,b', 'a|b', 'a<b', 'a&b', '$a']),
  ),
  keyCase(
    'devices',
    'reserved device names and trailing dots are refused',
    refusesEach(['con', 'nul', 'aux', 'prn', 'com1', 'lpt9', 'con.txt', 'a/nul', 'nul/a', 'a/com0.x.y', 'a.', 'a./b', 'a/b..']),
  ),
  keyCase(
    'lengths',
    'empty and over-long keys are refused',
    refusesEach(['', 'x'.repeat(201), `${'a/'.repeat(100)}b`, 'x'.repeat(100_000)]),
  ),
  keyCase('not-strings', 'what is no string is refused', refusesEach([undefined, null, 7, {}, ['a'], Symbol.iterator, true])),
  keyCase('delete-all-or-none', 'one illegal key among many deletes nothing', async ({ storage, key }) => {
    await storage.objects.put(key('a'), utf8('a'))
    await assertRefused('key', () => storage.objects.delete([key('a'), '../a' as Key]))
    assertBytes(await storage.objects.get(key('a')), utf8('a'))
  }),
  keyCase('prefixes', 'an illegal prefix is refused', async ({ storage }) => {
    for (const prefix of ['../', '/', 'A', 'a//', 'a\\', 'a%', 'con.', 'x'.repeat(201), 'a/../', '\0']) {
      await assertRefused('key', () => storage.objects.list(prefix), `prefix ${JSON.stringify(prefix)}`)
      await assertRefused('key', () => storage.refs.list(prefix), `prefix ${JSON.stringify(prefix)}`)
    }
  }),
  keyCase('cursors', 'an illegal cursor is refused', async ({ storage, prefix }) => {
    for (const cursor of ['', '../x', '/', 'A', 'a/', 'con']) {
      await assertRefused('key', () => storage.objects.list(prefix, { after: cursor as Key }), `cursor ${JSON.stringify(cursor)}`)
      await assertRefused('key', () => storage.refs.list(prefix, { after: cursor as Key }), `cursor ${JSON.stringify(cursor)}`)
    }
  }),
  keyCase('object-members', 'names of object members are ordinary keys', (context) =>
    keepsApart(context, ['constructor', '__proto__', 'then', 'tostring', 'valueof', 'hasownproperty', 'length', '__proto__/constructor']),
  ),
  keyCase('odd-but-legal', 'dots, dashes and underscores are ordinary characters', (context) =>
    keepsApart(context, [
      '-',
      '_',
      '--',
      '.a',
      '..a',
      '-a',
      'a..b',
      'a-',
      'a_',
      '.tmp',
      'tmp',
      '0',
      '00',
      'console',
      'com10',
      'lpt',
      'a.con',
    ]),
  ),
  keyCase('longest', 'the longest key, as one segment and as many', async ({ storage, prefix, key }) => {
    const roomBytes = 200 - prefix.length
    const names = [
      'x'.repeat(roomBytes),
      'ab/'
        .repeat(roomBytes)
        .slice(0, roomBytes - 1)
        .replace(/\/$/, '-'),
      `${'a/'.repeat(roomBytes)}`.slice(0, roomBytes - 1 - (roomBytes % 2)).replace(/\/$/, ''),
    ]
    for (const name of names) {
      await storage.objects.put(key(name), utf8(name))
      await storage.refs.compareAndSwap(key(name), utf8(name), undefined)
    }
    for (const name of names) {
      assertBytes(await storage.objects.get(key(name)), utf8(name))
      assertBytes((await storage.refs.read(key(name)))?.value, utf8(name))
    }
    assert.deepEqual(await listedKeys(storage, prefix), names.map(key).toSorted())
    assert.deepEqual(await listedNames(storage, prefix), names.map(key).toSorted())
  }),
]

function refusesEach(values: readonly unknown[]) {
  return async ({ storage }: StorageCaseContext) => {
    for (const value of values) {
      // What TypeScript would not let through is what comes from JavaScript and from JSON.
      const key = value as Key
      for (const [operation, call] of Object.entries(callsWith(storage, key))) {
        await assertRefused(
          'key',
          call,
          `${operation} of ${typeof value === 'string' ? JSON.stringify(value.slice(0, 40)) : String(value)}`,
        )
      }
    }
  }
}

function callsWith(storage: Storage, key: Key): Record<string, () => Promise<unknown>> {
  return {
    put: () => storage.objects.put(key, utf8('hostile')),
    get: () => storage.objects.get(key),
    delete: () => storage.objects.delete([key]),
    read: () => storage.refs.read(key),
    compareAndSwap: () => storage.refs.compareAndSwap(key, utf8('hostile'), undefined),
  }
}

async function keepsApart({ storage, prefix, key }: StorageCaseContext, names: readonly string[]): Promise<void> {
  for (const name of names) {
    assert.equal(await storage.objects.get(key(name)), undefined, name)
    assert.equal(await storage.refs.read(key(name)), undefined, name)
    assert.deepEqual(await storage.objects.put(key(name), utf8(`object ${name}`)), { created: true }, name)
    assert.notEqual(await storage.refs.compareAndSwap(key(name), utf8(`ref ${name}`), undefined), undefined, name)
  }
  for (const name of names) {
    assertBytes(await storage.objects.get(key(name)), utf8(`object ${name}`), name)
    assertBytes((await storage.refs.read(key(name)))?.value, utf8(`ref ${name}`), name)
  }
  assert.deepEqual(await listedKeys(storage, prefix), names.map(key).toSorted())
  assert.deepEqual(await listedNames(storage, prefix), names.map(key).toSorted())
}
