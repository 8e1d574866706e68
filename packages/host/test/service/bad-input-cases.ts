import { execFileSync } from 'node:child_process'
import { chmod, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type Checkpoints, isCheckpointError, type TranscriptOrigin } from '@palimpsest/core'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
import { smallSession } from './reading-cases.ts'
import { jsonl } from './support/sessions.ts'
import type { OpenStore } from './support/stores.ts'
import { idsIn, of, openWorkshop, rawOf, type Workshop } from './support/workshop.ts'

/** Input that is wrong: a clear error or every byte, and nothing of what was kept before is lost. */
export function badInputCases(openStore: OpenStore): void {
  unreadableCases(openStore)
  oddLinesCases(openStore)
  oddNamesCases(openStore)
}

const uid = process.getuid?.()

function unreadableCases(openStore: OpenStore): void {
  describe('a transcript that can not be read', () => {
    const bad: readonly [what: string, code: string, says: RegExp, make: (path: string) => unknown][] = [
      ['is not there', 'TRANSCRIPT_UNREADABLE', /Check the path/, () => undefined],
      ['lies below a file', 'TRANSCRIPT_UNREADABLE', /Check the path/, (path) => writeFile(dirname(path), 'x').catch(() => undefined)],
      ['is a folder', 'TRANSCRIPT_UNREADABLE', /a folder.*name the transcript's own file/, (path) => mkdir(path)],
      ['is a pipe', 'TRANSCRIPT_UNREADABLE', /a pipe.*name the transcript's own file/, (path) => execFileSync('mkfifo', [path])],
      ['is a link to nothing', 'TRANSCRIPT_UNREADABLE', /Check the path/, (path) => symlink('/nowhere/at-all', path)],
      ['is a link to itself', 'TRANSCRIPT_UNREADABLE', /Name the file itself/, (path) => symlink(path, path)],
      ['is empty', 'TRANSCRIPT_MALFORMED', /is empty.*until its agent has written/, (path) => writeFile(path, '')],
      ['begins with garbage', 'TRANSCRIPT_UNRECOGNISED', /Name a session file/, (path) => writeFile(path, 'hello\nworld\n')],
      [
        'is binary',
        'TRANSCRIPT_UNRECOGNISED',
        /Name a session file/,
        (path) => writeFile(path, Buffer.alloc(200_000, '\0\xff\n', 'latin1')),
      ],
      ['is another JSON', 'TRANSCRIPT_UNRECOGNISED', /Name a session file/, (path) => writeFile(path, '{"type":"message"}\n[1]\n')],
      ['has a torn first line', 'TRANSCRIPT_MALFORMED', /no whole line/, (path) => writeFile(path, '{"type":"session","id"')],
    ]
    test.each(bad)('since it %s is a named error; what was kept stays', async (_what, code, says, make) => {
      const workshop = await openWorkshop(openStore)
      const { service, expectKept } = await withKept(workshop)
      const path = join(workshop.folder, 'folder', 'bad.jsonl')
      if (!_what.includes('below a file')) await mkdir(dirname(path))
      await make(path)
      for (const run of [
        () => service.capture({ agent: 'pi', transcript: fileTranscript(path) }),
        () => service.import({ agent: 'pi', transcript: fileTranscript(path) }),
      ]) {
        const error = await run().then(
          () => undefined,
          (failure: unknown) => failure,
        )
        expect(error).toMatchObject({ code, message: expect.stringMatching(says), details: { path } })
      }
      await expectKept()
    })

    test.skipIf(uid === 0)('since permission is denied is a named error', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.pi()
      await file.turn()
      await chmod(file.path, 0)
      await expect(workshop.service().capture(of(file))).rejects.toMatchObject({
        code: 'TRANSCRIPT_UNREADABLE',
        message: expect.stringContaining('permission is denied'),
      })
    })

    test('of Claude Code that is something else says what to name', async () => {
      const workshop = await openWorkshop(openStore)
      const transcript = bytesTranscript({ main: Buffer.from('{"type":"session","id":"s"}\n') }, { path: '/x/notes.jsonl' })
      await expect(workshop.service().capture({ agent: 'claude-code', transcript })).rejects.toMatchObject({
        code: 'TRANSCRIPT_UNRECOGNISED',
        message: expect.stringContaining('projects folder'),
      })
    })
  })
}

function oddLinesCases(openStore: OpenStore): void {
  const header = '{"type":"session","version":3,"id":"odd","cwd":"/home/dev"}'
  const line = (id: string, parentId: string | null, text = id): string =>
    JSON.stringify({ type: 'message', id, parentId, message: { role: 'user', content: text } })
  const bytes = (...pieces: (string | Uint8Array)[]): Buffer => Buffer.concat(pieces.map((piece) => Buffer.from(piece)))

  describe('a transcript with odd lines is kept to the byte', () => {
    const odd: readonly [what: string, main: Buffer, badLines: number, shown: readonly string[]][] = [
      ['a torn line in the middle', bytes(header, '\n', line('a', null), '\n{"type":"mess\n', line('b', 'a'), '\n'), 1, ['a', 'b']],
      ['null, a number, a list, a text', bytes(header, '\n', line('a', null), '\nnull\n7\n[]\n"x"\n', line('b', 'a'), '\n'), 4, ['a', 'b']],
      ['empty lines', bytes(header, '\n\n', line('a', null), '\n\n\n'), 3, ['a']],
      ['line ends of Windows', bytes(header, '\r\n', line('a', null), '\r\n', line('b', 'a'), '\r\n'), 0, ['a', 'b']],
      ['a byte order mark', bytes('\ufeff', header, '\n', line('a', null), '\n'), 0, ['a']],
      [
        'bytes that are no UTF-8',
        bytes(header, '\n', line('a', null), '\n', Uint8Array.of(0x7b, 0xff, 0xfe, 0x7d, 10), line('b', 'a'), '\n'),
        1,
        ['a', 'b'],
      ],
      ['a line before the header', bytes('garbage\n', header, '\n', line('a', null), '\n'), 1, ['a']],
      ['NUL bytes', bytes(header, '\n', line('a', null), '\n', Buffer.alloc(5000), '\n', line('b', 'a'), '\n'), 1, ['a', 'b']],
      [
        'unknown types and fields',
        bytes(header, '\n', line('a', null), '\n{"type":"hologram","id":"h","parentId":"a","x":{}}\n', line('b', 'h'), '\n'),
        0,
        ['a', 'b'],
      ],
      [
        'lone surrogates',
        bytes(
          header,
          '\n',
          line('a', null),
          '\n{"type":"message","id":"b","parentId":"a","message":{"role":"user","content":"\\ud800"}}\n',
        ),
        0,
        ['a', '\ud800'],
      ],
    ]
    test.each(odd)('%s', async (_what, main, badLines, shown) => {
      const workshop = await openWorkshop(openStore)
      const path = join(workshop.folder, 'odd.jsonl')
      await writeFile(path, main)
      const service = workshop.service()
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: fileTranscript(path) })
      expect(checkpoint).toMatchObject({ badLines, sizeBytes: main.byteLength, sessionId: 'odd' })
      expect((await rawOf(service, checkpoint.id)).equals(main)).toBe(true)
      expect((await service.read(checkpoint.id)).entries.map(({ text }) => text)).toEqual(shown)
      expect((await service.read(checkpoint.id, { view: 'raw' })).total).toBe(main.filter((byte) => byte === 10).length)
    })
  })

  describe('a transcript whose structure is broken', () => {
    const main = bytes(header, '\n', line('a', 'c'), '\n', line('b', 'a'), '\n', line('c', 'b'), '\n')
    const dangling = bytes(header, '\n', line('a', null), '\n', line('b', 'nobody'), '\n')

    test('by a circle of parents is kept, read once around, and given back by nobody', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: bytesTranscript({ main }) })
      expect((await rawOf(service, checkpoint.id)).equals(main)).toBe(true)
      const page = await service.read(checkpoint.id)
      expect(page.entries.map(({ id }) => id)).toEqual(['a', 'b', 'c'])
      expect(page.problems).toMatchObject([{ code: 'TRANSCRIPT_MALFORMED', line: 1 }])
      await expect(service.branch(checkpoint.id)).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED', details: { line: 1 } })
    })

    test('by a parent that is not there is kept, read as far as it goes, and given back by nobody', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture({ agent: 'pi', transcript: bytesTranscript({ main: dangling }) })
      const page = await service.read(checkpoint.id)
      expect(page.entries.map(({ id }) => id)).toEqual(['b'])
      expect(page.problems).toHaveLength(1)
      await expect(service.branch(checkpoint.id)).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
    })

    test('by a leaf that is not in it is refused, and nothing is kept', async () => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      await expect(service.capture({ ...smallSession('s'), leafId: 'nobody' })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
      expect((await service.list()).checkpoints).toEqual([])
    })
  })
}

function oddNamesCases(openStore: OpenStore): void {
  describe('a session key', () => {
    test.each([
      ['of 5,000 characters', 'k'.repeat(5000)],
      ['that looks like a path', '../../etc/passwd'],
      ['with NUL and control characters', 'a\0b\n\u001b[31m'],
      ['that is blank', ' '],
      ['that is empty', ''],
      ['of other scripts', 'ключ 🗝️ \u202e'],
    ])('%s is a key like any other, and never a path', async (_what, sessionKey) => {
      const workshop = await openWorkshop(openStore)
      const service = workshop.service()
      const { checkpoint } = await service.capture({ ...smallSession('s'), sessionKey })
      expect(checkpoint.sessionKey).toBe(sessionKey)
      expect((await service.list({ agent: 'pi', sessionKey })).checkpoints.map(({ id }) => id)).toEqual([checkpoint.id])
      expect((await service.get('latest', { agent: 'pi', sessionKey })).id).toBe(checkpoint.id)
      expect((await service.sessions()).sessions.map((session) => session.sessionKey)).toEqual([sessionKey])
      for (const key of await workshop.objectKeys()) expect(key).toMatch(/^sessions\/[0-9a-f]{64}-pi\/0-[0-9a-f]{20}$/)
      expect(await service.deleteSession({ agent: 'pi', sessionKey })).toEqual([checkpoint.id])
    })
  })

  describe('a sidecar', () => {
    test.each(['../x', '/etc/passwd', 'a/../../x', 'a//b', '', '.', 'a\\b', 'a b', '__proto__', 'ä'])(
      'named %j is refused by name, and nothing is kept of it',
      async (name) => {
        const workshop = await openWorkshop(openStore)
        const { service, expectKept } = await withKept(workshop)
        const main = jsonl([
          { type: 'session', version: 3, id: 's' },
          { type: 'message', id: 'a', parentId: null, message: { role: 'user', content: 'x' } },
        ])
        const transcript: TranscriptOrigin = {
          async open() {
            const opened = await bytesTranscript({ main }).open()
            return {
              ...opened,
              async *parts() {
                yield* opened.parts()
                yield { name, source: { sizeBytes: 1, read: async () => Buffer.from('x') } }
              },
            }
          },
        }
        await expect(service.capture({ agent: 'pi', transcript })).rejects.toMatchObject({
          code: 'TRANSCRIPT_MALFORMED',
          message: expect.stringContaining('name'),
        })
        await expectKept()
      },
    )

    test('that is a link, or lies behind one, is left out', async () => {
      const workshop = await openWorkshop(openStore)
      const file = await workshop.claudeCode()
      await file.turn()
      const folder = join(dirname(file.path), file.sessionId)
      const elsewhere = join(workshop.folder, 'elsewhere')
      await mkdir(join(folder, 'subagents'), { recursive: true })
      await mkdir(elsewhere)
      await writeFile(join(elsewhere, 'secret.txt'), 'secret')
      await writeFile(join(elsewhere, 'agent-2.jsonl'), '{"secret":true}\n')
      await symlink(join(elsewhere, 'agent-2.jsonl'), join(folder, 'subagents', 'agent-2.jsonl'))
      await symlink(elsewhere, join(folder, 'tool-results'))
      await writeFile(join(folder, 'subagents', 'agent-1.jsonl'), '{}\n')
      const service = workshop.service()
      const { checkpoint } = await service.capture(of(file))
      expect((await service.parts(checkpoint.id)).map(({ name }) => name)).toEqual(['main', 'subagents/agent-1.jsonl'])
    })
  })
}

/** A service on a store that has a checkpoint already, which must still be there afterwards, and nothing else. */
async function withKept(workshop: Workshop): Promise<{ service: Checkpoints; expectKept(): Promise<void> }> {
  const service = workshop.service()
  const { checkpoint } = await service.capture({ ...smallSession('kept', 3), reason: 'requested' })
  const bytes = await rawOf(service, checkpoint.id)
  return {
    service,
    async expectKept() {
      expect(await idsIn(workshop.service())).toEqual([checkpoint.id])
      expect((await rawOf(workshop.service(), checkpoint.id)).equals(bytes)).toBe(true)
      expect(isCheckpointError(await service.get('nobody').catch((error: unknown) => error), 'ARGUMENT_INVALID')).toBe(true)
    },
  }
}
