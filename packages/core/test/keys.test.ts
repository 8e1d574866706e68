import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseKey, parsePrefix, sessionDigest, sessionName } from '../src/keys.ts'
import { StorageError } from '../src/storage.ts'

const accepted = ['a', '0', '-', '_', 'a.b', '.a', '..a', 'a/b', 'sessions/0-x', 'console', 'com', 'com10', 'auxiliary', 'a'.repeat(200)]
const refused = [
  '',
  '/',
  'a/',
  '/a',
  'a//b',
  '.',
  '..',
  'a/..',
  '../a',
  'a/./b',
  'a.',
  'a./b',
  'A',
  'ä',
  'a b',
  'a\\b',
  'a\0',
  'a\n',
  'a:b',
  'con',
  'aux.txt',
  'a/nul',
  'com1',
  'lpt9.x/a',
  'a'.repeat(201),
]

describe('parseKey', () => {
  test.each(accepted)('accepts %j', (key) => {
    expect(parseKey(key)).toBe(key)
  })

  test.each(refused)('refuses %j and says what a key may be', (key) => {
    expect(() => parseKey(key)).toThrow(
      expect.objectContaining({ name: 'StorageError', kind: 'key', message: expect.stringContaining('a-z 0-9') }),
    )
  })

  test('gives any string back as it is, or refuses it; what it gives can leave no folder', () => {
    const likely = fc.string({ unit: fc.constantFrom('a', '0', '.', '/', '-', '_', 'A', '\\', ' ', 'ß'), maxLength: 12 })
    fc.assert(
      fc.property(fc.oneof(likely, fc.string({ unit: 'binary' })), (text) => {
        let key: string
        try {
          key = parseKey(text)
        } catch (error) {
          expect(error).toBeInstanceOf(StorageError)
          return
        }
        expect(key).toBe(text)
        expect(key).toMatch(/^[a-z0-9._/-]+$/)
        for (const segment of key.split('/')) expect(['', '.', '..']).not.toContain(segment)
      }),
    )
  })

  test('every beginning of a key is a prefix', () => {
    fc.assert(
      fc.property(fc.constantFrom(...accepted.filter((key) => key.length < 200)), fc.nat(), (key, length) => {
        const prefix = key.slice(0, length % (key.length + 1))
        expect(parsePrefix(prefix)).toBe(prefix)
      }),
    )
    for (const prefix of ['/', 'a//', 'A', '../', 'a/../']) expect(() => parsePrefix(prefix)).toThrow(StorageError)
  })
})

describe('a session name', () => {
  test('is a key for any session key, the same each time, and another for another key or agent', () => {
    const sessionKey = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('../../etc', 'a\0b', '', ' ', 'x'.repeat(5000)))
    fc.assert(
      fc.property(sessionKey, sessionKey, (one, other) => {
        const name = sessionName('pi', one)
        expect(name).toMatch(/^sessions\/[0-9a-f]{64}-pi$/)
        expect(sessionName('pi', one)).toBe(name)
        expect(sessionName('openclaw', one)).not.toBe(name)
        // Lone surrogates are no text: two of them may meet.
        if (one !== other && one.isWellFormed() && other.isWellFormed()) expect(sessionName('pi', other)).not.toBe(name)
      }),
    )
  })

  test('has the digest that checkpoint ids carry', () => {
    expect(sessionName('pi', 'k')).toBe(`sessions/${sessionDigest('pi', 'k')}-pi`)
  })

  test('does not take an agent that can not stand in a key', () => {
    for (const agent of ['../x', 'A', 'a b', '', 'a'.repeat(200)]) {
      expect(() => sessionName(agent, 'k')).toThrow(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
    }
  })
})
