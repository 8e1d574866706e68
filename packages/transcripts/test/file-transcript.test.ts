import { execFileSync } from 'node:child_process'
import { appendFile, chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { bytesTranscript, fileTranscript } from '../src/index.ts'
import { all } from './pi-sessions.ts'

let folder: string
const at = (...names: string[]) => join(folder, ...names)
const rule = { folder: 's1', pattern: /\.txt$/, maxDepth: 2 }

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-files-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function contents(path: string): Promise<Record<string, string>> {
  const transcript = await fileTranscript(path).open({ sidecars: [rule] })
  const read: Record<string, string> = {}
  for (const { name, source } of await all(transcript.parts())) read[name] = Buffer.from(await source.read(0, source.sizeBytes)).toString()
  await transcript.close()
  return read
}

describe('a transcript in a file', () => {
  test('is read in ranges, and never beyond the size it had', async () => {
    await writeFile(at('a.jsonl'), 'one\n')
    const transcript = await fileTranscript(at('a.jsonl')).open()
    await appendFile(at('a.jsonl'), 'two\n')
    const [main] = await all(transcript.parts())
    expect(main?.source.sizeBytes).toBe(4)
    expect(Buffer.from((await main?.source.read(1, 3)) ?? []).toString()).toBe('ne')
    await expect(main?.source.read(0, 5)).rejects.toThrow(RangeError)
    expect(await transcript.unchanged()).toBe(true)
    await transcript.close()
    await expect(main?.source.read(0, 1)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
  })

  test('may be named by a link', async () => {
    await writeFile(at('a.jsonl'), 'one\n')
    await symlink(at('a.jsonl'), at('b.jsonl'))
    expect(await contents(at('b.jsonl'))).toEqual({ main: 'one\n' })
  })

  test.each([
    ['there is none', async () => undefined],
    ['a folder', async (path: string) => mkdir(path)],
    ['a pipe', async (path: string) => execFileSync('mkfifo', [path])],
    ['a dangling link', async (path: string) => symlink('nowhere', path)],
    ['a link to itself', async (path: string) => symlink(path, path)],
    [
      'a link to a pipe',
      async (path: string) => {
        execFileSync('mkfifo', [`${path}.pipe`])
        await symlink(`${path}.pipe`, path)
      },
    ],
  ])('is refused at once when it is %s', async (_name, make) => {
    await make(at('a.jsonl'))
    const started = performance.now()
    await expect(fileTranscript(at('a.jsonl')).open()).rejects.toMatchObject({
      code: 'TRANSCRIPT_UNREADABLE',
      details: { path: at('a.jsonl') },
      message: expect.stringContaining(at('a.jsonl')),
    })
    expect(performance.now() - started).toBeLessThan(2000)
  })

  test('is refused when it is a socket', async () => {
    const server = createServer().listen(at('a.jsonl'))
    await new Promise((resolve) => server.once('listening', resolve))
    await expect(fileTranscript(at('a.jsonl')).open()).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await new Promise((resolve) => server.close(resolve))
  })

  test.skipIf(process.getuid?.() === 0)('is refused without permission', async () => {
    await writeFile(at('a.jsonl'), 'x')
    await chmod(at('a.jsonl'), 0)
    await expect(fileTranscript(at('a.jsonl')).open()).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
  })

  test('is changed when it was cut, rewritten, replaced or removed, and not when it grew', async () => {
    const changes: [string, () => Promise<unknown>, boolean][] = [
      ['grown', () => appendFile(at('a.jsonl'), 'three\n'), true],
      ['cut', () => truncate(at('a.jsonl'), 3), false],
      ['rewritten', () => writeFile(at('a.jsonl'), 'one\nTWO\n'), false],
      ['rewritten longer', () => writeFile(at('a.jsonl'), 'one\nTWO\nthree\n'), false],
      ['removed', () => rm(at('a.jsonl')), false],
      [
        'replaced by the same bytes',
        async () => {
          await writeFile(at('b'), 'one\ntwo\n')
          await rename(at('b'), at('a.jsonl'))
        },
        false,
      ],
    ]
    for (const [name, change, expected] of changes) {
      await writeFile(at('a.jsonl'), 'one\ntwo\n')
      const transcript = await fileTranscript(at('a.jsonl')).open()
      expect(await transcript.unchanged()).toBe(true)
      await change()
      expect([name, await transcript.unchanged()]).toEqual([name, expected])
      await transcript.close()
    }
  })

  test('that becomes shorter while it is read says so', async () => {
    await writeFile(at('a.jsonl'), 'one\ntwo\n')
    const transcript = await fileTranscript(at('a.jsonl')).open()
    const [main] = await all(transcript.parts())
    await truncate(at('a.jsonl'), 2)
    await expect(main?.source.read(0, 8)).rejects.toMatchObject({
      code: 'TRANSCRIPT_UNREADABLE',
      message: expect.stringContaining('shorter'),
    })
    await transcript.close()
  })
})

describe('sidecars', () => {
  beforeEach(async () => {
    await writeFile(at('s1.jsonl'), 'main\n')
    await mkdir(at('s1', 'deep', 'deeper'), { recursive: true })
    await writeFile(at('s1', 'b.txt'), 'b')
    await writeFile(at('s1', 'deep', 'a.txt'), 'a')
  })

  test('are the regular files that the rule names, by name, down to its depth', async () => {
    await writeFile(at('s1', 'deep', 'deeper', 'c.txt'), 'c')
    await writeFile(at('s1', 'd.json'), 'd')
    expect(await contents(at('s1.jsonl'))).toEqual({ main: 'main\n', 'b.txt': 'b', 'deep/a.txt': 'a' })
  })

  test('are never reached through a link, nor a pipe, nor a name that could lead elsewhere', async () => {
    await writeFile(at('secret.txt'), 'secret')
    await symlink(at('secret.txt'), at('s1', 'link.txt'))
    await symlink(folder, at('s1', 'up'))
    execFileSync('mkfifo', [at('s1', 'pipe.txt')])
    await writeFile(at('s1', 'white space.txt'), 'x')
    await writeFile(at('s1', 'umläut.txt'), 'x')
    await mkdir(at('s1', 'bad name'))
    await writeFile(at('s1', 'bad name', 'x.txt'), 'x')
    expect(Object.keys(await contents(at('s1.jsonl')))).toEqual(['main', 'b.txt', 'deep/a.txt'])
  })

  test('in a folder that is a link, or outside the main part’s folder, are none', async () => {
    await rename(at('s1'), at('real'))
    await symlink(at('real'), at('s1'))
    expect(Object.keys(await contents(at('s1.jsonl')))).toEqual(['main'])
    const transcript = await fileTranscript(at('real', 'b.txt')).open({ sidecars: [{ ...rule, folder: '../real' }] })
    expect(await all(transcript.parts())).toHaveLength(1)
    await transcript.close()
  })

  test('that grow are the same, that are replaced or removed are not', async () => {
    const transcript = await fileTranscript(at('s1.jsonl')).open({ sidecars: [rule] })
    const sidecar = (await all(transcript.parts()))[1]
    await appendFile(at('s1', 'b.txt'), 'more')
    expect(await transcript.unchanged()).toBe(true)
    expect(Buffer.from((await sidecar?.source.read(0, 1)) ?? []).toString()).toBe('b')
    await writeFile(at('x'), 'b, more')
    await rename(at('x'), at('s1', 'b.txt'))
    expect(await transcript.unchanged()).toBe(false)
    await expect(sidecar?.source.read(0, 1)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await rm(at('s1', 'b.txt'))
    expect(await transcript.unchanged()).toBe(false)
    await transcript.close()
  })

  test('that become links to themselves are not read through them', async () => {
    const transcript = await fileTranscript(at('s1.jsonl')).open({ sidecars: [rule] })
    const sidecar = (await all(transcript.parts()))[1]
    await rename(at('s1', 'b.txt'), at('moved.txt'))
    await symlink(at('moved.txt'), at('s1', 'b.txt'))
    expect(await transcript.unchanged()).toBe(false)
    await expect(sidecar?.source.read(0, 1)).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await transcript.close()
  })
})

describe('a companion', () => {
  test('is a small regular file beside the transcript, undefined when there is none', async () => {
    await writeFile(at('a.jsonl'), 'x')
    await writeFile(at('sessions.json'), '{}')
    await writeFile(at('huge.json'), '')
    await truncate(at('huge.json'), 17 << 20)
    await symlink(at('sessions.json'), at('link.json'))
    const transcript = await fileTranscript(at('a.jsonl')).open()
    expect(Buffer.from((await transcript.companion?.('sessions.json')) ?? []).toString()).toBe('{}')
    expect(await transcript.companion?.('other.json')).toBeUndefined()
    await expect(transcript.companion?.('huge.json')).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await expect(transcript.companion?.('link.json')).rejects.toMatchObject({ code: 'TRANSCRIPT_UNREADABLE' })
    await expect(transcript.companion?.('../secret')).rejects.toThrow(TypeError)
    await transcript.close()
  })
})

describe('a transcript of bytes', () => {
  test('has its parts in order, and gives copies of them', async () => {
    const main = Buffer.from('main')
    const transcript = await bytesTranscript({ 'b/c.txt': Buffer.from('b'), main }).open()
    const parts = await all(transcript.parts())
    expect(parts.map((part) => part.name)).toEqual(['main', 'b/c.txt'])
    const copy = await parts[0]?.source.read(0, 4)
    copy?.fill(0)
    expect(main.toString()).toBe('main')
    await expect(parts[0]?.source.read(0, 5)).rejects.toThrow(RangeError)
  })

  test('needs a main part and names that a sidecar can have', () => {
    expect(() => bytesTranscript({})).toThrow(expect.objectContaining({ code: 'TRANSCRIPT_UNREADABLE' }))
    for (const name of ['../x', 'a//b', '', '/x', 'a b', '.']) {
      expect(() => bytesTranscript({ main: Buffer.from(''), [name]: Buffer.from('') })).toThrow(
        expect.objectContaining({ code: 'ARGUMENT_INVALID' }),
      )
    }
  })
})
