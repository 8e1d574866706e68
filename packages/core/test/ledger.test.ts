import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { sha256 } from '../src/digest.ts'
import { CheckpointError, isCheckpointError } from '../src/errors.ts'
import { decodeLedger, emptyLedger, encodeLedger, type Ledger } from '../src/ledger.ts'
import { anyRows, row } from './support/rows.ts'

const ledger: Ledger = {
  ...emptyLedger({ agent: 'pi', sessionKey: 'schlüssel \u{1f5dd}', sessionId: 's', cwd: '/home/dev', parentSessionId: 'p' }),
  commits: ['abc'],
  commitCount: 1,
  epoch: 3,
  fence: 2,
  parts: {
    main: {
      streams: [
        {
          segments: [{ object: '0-aa', chunks: 256, rawBytes: 2 ** 28, storedBytes: 2 ** 26, lines: 9 }],
          open: [['0-bb', 120, 10, 20, 1, 'd'.repeat(43)]],
        },
        { base: { stream: 0, bytes: 2 ** 28, lines: 9 }, segments: [], open: [] },
      ],
    },
    'subagents/agent-1.jsonl': { streams: [] },
  },
  checkpoints: [row(5, { pinned: true, label: 'before the rewrite' })],
  pages: [{ object: '0-cc', checkpoints: 250, newestAt: 4, oldestAt: 1 }],
  trash: [row(2, { deletedAt: 7 })],
  removed: ['sha256:00'],
}

function encoded(value: unknown, palimpsest = 1): Uint8Array {
  const body = Buffer.from(JSON.stringify(value) ?? '')
  return Buffer.concat([Buffer.from(`${JSON.stringify({ palimpsest, kind: 'ledger', digest: sha256(body) })}\n`), body])
}

describe('a ledger', () => {
  test('comes back from its bytes as it was', () => {
    expect(decodeLedger('sessions/x', encodeLedger(ledger))).toEqual(ledger)
    fc.assert(
      fc.property(anyRows, fc.string({ unit: 'binary' }), (rows, sessionKey) => {
        const written: Ledger = { ...ledger, sessionKey: sessionKey.toWellFormed(), checkpoints: rows.map((each) => definedOf(each)) }
        expect(decodeLedger('sessions/x', encodeLedger(written))).toEqual(written)
      }),
      { numRuns: 30 },
    )
  })

  test('with any bit of it flipped is corrupt', () => {
    const bytes = encodeLedger(ledger)
    const unnoticed: string[] = []
    for (let at = 0; at < bytes.byteLength; at += 1) {
      for (const bit of at < 100 ? [1, 2, 4, 8, 16, 32, 64, 128] : [1 << (at % 8)]) {
        const flipped = bytes.slice()
        flipped[at] = (bytes[at] ?? 0) ^ bit
        const code = codeOf(flipped)
        if (code !== 'CHECKPOINT_CORRUPT') unnoticed.push(`byte ${at} of ${bytes.byteLength}, bit ${bit}: ${code}`)
      }
    }
    expect(unnoticed).toEqual([])
  })

  test('that is cut off anywhere, or goes on, is corrupt', () => {
    const bytes = encodeLedger(ledger)
    const codes = new Set(Array.from({ length: bytes.byteLength }, (_, end) => codeOf(bytes.subarray(0, end))))
    expect([...codes]).toEqual(['CHECKPOINT_CORRUPT'])
    expect(codeOf(Buffer.concat([bytes, Buffer.from('\n')]))).toBe('CHECKPOINT_CORRUPT')
  })

  test('of a newer format is not touched, and the message says to upgrade', () => {
    for (const newer of [
      encoded({ ...ledger, format: 2 }, 2),
      encoded({ something: 'else' }, 7),
      Buffer.from('{"palimpsest":2,"kind":"ledger","digest":"x"}\nany bytes'),
    ]) {
      expect(() => decodeLedger('sessions/x', newer)).toThrow(
        expect.objectContaining({ code: 'FORMAT_UNSUPPORTED', message: expect.stringContaining('Upgrade') }),
      )
    }
  })

  test('of any JSON is a ledger or a named error', () => {
    const nearly = fc.record(
      {
        format: fc.constantFrom(1, -1, '1'),
        commits: fc.array(fc.string()),
        commitCount: fc.integer(),
        epoch: fc.nat(),
        fence: fc.nat(),
        agent: fc.string(),
        sessionKey: fc.string(),
        sessionId: fc.string(),
        parts: fc.dictionary(fc.string(), fc.constantFrom({ streams: [] }, {}, null)),
        checkpoints: fc.constantFrom([], [row(1)], [{}]),
        pages: fc.constant([]),
        trash: fc.constant([]),
        removed: fc.array(fc.string()),
      },
      { requiredKeys: ['format', 'agent', 'sessionKey', 'sessionId'] },
    )
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearly), (value) => {
        expect(['ledger', 'CHECKPOINT_CORRUPT']).toContain(codeOf(encoded(value)))
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        expect(codeOf(bytes)).toBe('CHECKPOINT_CORRUPT')
      }),
    )
  })

  test('keeps parts whose names are those of object prototypes', () => {
    for (const name of ['constructor', 'toString', 'hasOwnProperty']) {
      const odd: Ledger = { ...ledger, parts: Object.fromEntries([[name, { streams: [{ segments: [], open: [] }] }]]) }
      expect(Object.keys(decodeLedger('sessions/x', encodeLedger(odd)).parts)).toEqual([name])
    }
  })

  test('over 1 MiB is refused before it is written', () => {
    const large = { ...ledger, removed: Array.from({ length: 30_000 }, (_, at) => `boundary-${at}-of-a-session-that-is-very-long`) }
    expect(() => encodeLedger(large)).toThrow(
      expect.objectContaining({ code: 'STORAGE_REFUSED', message: expect.stringContaining('1 MiB') }),
    )
  })
})

function codeOf(bytes: Uint8Array): string {
  try {
    decodeLedger('sessions/x', bytes)
    return 'ledger'
  } catch (error) {
    if (!(error instanceof CheckpointError)) return `not a CheckpointError: ${String(error)}`
    return isCheckpointError(error, 'CHECKPOINT_CORRUPT') && error.details.key !== 'sessions/x' ? 'names another key' : error.code
  }
}

/** As JSON gives it back: without the fields that are `undefined`. */
function definedOf<Value extends object>(value: Value): Value {
  return Object.fromEntries(Object.entries(value).filter(([, field]) => field !== undefined)) as Value
}
