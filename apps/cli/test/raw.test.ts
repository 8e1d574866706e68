import { createHash } from 'node:crypto'
import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { fakeHost } from './fake-host.ts'

const pieceBytes = 256 * 1024

test('every byte goes out as it is, whatever it is', async () => {
  const bytes = Buffer.from([0, 0x1b, 0x9b, 0xff, 0x0a, 0x0d, 0xe2, 0x80, 0xae])
  const pieces: Buffer[] = []
  const stdout = new Writable({
    write(chunk: Buffer, _encoding, done) {
      pieces.push(chunk)
      done()
    },
  })
  const host = fakeHost({
    raw: async function* () {
      yield bytes.subarray(0, 3)
      yield bytes.subarray(3)
    },
  })
  const { status } = await commandLine(['read', 'x', '--raw', '--part', 'sub/agent.jsonl'], { host, stdout })
  expect(status).toBe(0)
  expect(Buffer.concat(pieces)).toEqual(bytes)
  expect(host.calls[0]).toMatchObject({ operation: 'raw', args: ['x', { part: 'sub/agent.jsonl' }] })
})

test('a slow reader is waited for: one piece is in memory at a time', async () => {
  let ahead = 0
  let mostAhead = 0
  const given = createHash('sha256')
  const taken = createHash('sha256')
  const stdout = new Writable({
    highWaterMark: 1024,
    write(chunk: Buffer, _encoding, done) {
      setTimeout(() => {
        ahead -= 1
        taken.update(chunk)
        done()
      }, 2)
    },
  })
  const host = fakeHost({
    raw: async function* () {
      for (let index = 0; index < 20; index += 1) {
        ahead += 1
        mostAhead = Math.max(mostAhead, ahead)
        const piece = Buffer.alloc(pieceBytes, index)
        given.update(piece)
        yield piece
      }
    },
  })
  expect((await commandLine(['read', 'x', '--raw'], { host, stdout })).status).toBe(0)
  expect(mostAhead).toBe(1)
  expect(taken.digest('hex')).toBe(given.digest('hex'))
})

test('a reader that goes away ends the command quietly, and the store is closed', async () => {
  let taken = 0
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      taken += 1
      done(taken < 3 ? null : Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
    },
  })
  stdout.on('error', () => undefined)
  let yielded = 0
  const host = fakeHost({
    raw: async function* () {
      while (yielded < 1000) {
        yielded += 1
        yield Buffer.alloc(10)
      }
    },
  })
  const { status, stderr } = await commandLine(['read', 'x', '--raw'], { host, stdout })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(yielded).toBe(3)
  expect(host.closed).toBe(1)
})

test('a disk that is full under standard output is an error', async () => {
  const stdout = new Writable({
    write(_chunk, _encoding, done) {
      done(Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' }))
    },
  })
  stdout.on('error', () => undefined)
  const { status, stderr } = await commandLine(['read', 'x', '--raw'], { host: fakeHost(), stdout })
  expect(status).toBe(1)
  expect(stderr).toContain('ENOSPC')
})
