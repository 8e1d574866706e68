import { execFileSync, spawnSync } from 'node:child_process'
import { appendFile, chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { FileIdentity, Placement } from '@palimpsest/core'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileTranscript, nodeTranscriptFiles } from '../src/index.ts'
import { all } from './pi-sessions.ts'

const files = nodeTranscriptFiles()
const bytes = (text: string) => Buffer.from(text)
let folder: string
const at = (...names: string[]) => join(folder, ...names)
const placement = (fields: Partial<Placement> = {}): Placement => ({
  folder: at('new', 'sessions'),
  fileName: 's1.jsonl',
  resumeArgv: [],
  warnings: [],
  ...fields,
})
const modeOf = async (path: string) => ((await stat(path)).mode & 0o777).toString(8)
const tree = async () => (await readdir(folder, { recursive: true })).sort()

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-targets-'))
})
afterEach(async () => {
  await rm(folder, { recursive: true, force: true })
})

async function identityAt(path: string, ageMs = 120_000): Promise<FileIdentity> {
  const time = (Date.now() - ageMs) / 1000
  await utimes(path, time, time)
  const transcript = await fileTranscript(path).open()
  await transcript.close()
  if (transcript.identity === undefined) throw new Error('no identity')
  return transcript.identity
}

describe('a new session', () => {
  test('appears at commit, whole and private, in folders that are private too', async () => {
    const target = await files.create(placement())
    await target.write('main', bytes('one\n'))
    await target.write('main', bytes('two\n'))
    expect((await readdir(at('new', 'sessions'))).filter((name) => name.endsWith('.jsonl'))).toEqual([])
    expect(await target.commit()).toEqual({ path: at('new', 'sessions', 's1.jsonl') })
    expect(await readFile(at('new', 'sessions', 's1.jsonl'), 'utf8')).toBe('one\ntwo\n')
    expect(await modeOf(at('new', 'sessions', 's1.jsonl'))).toBe('600')
    expect(await modeOf(at('new'))).toBe('700')
    expect(await modeOf(at('new', 'sessions'))).toBe('700')
    expect(await tree()).toEqual(['new', 'new/sessions', 'new/sessions/s1.jsonl'])
  })

  test('is as narrow as the session it comes from, never wider', async () => {
    for (const [mode, expected] of [
      [0o644, '600'],
      [0o400, '400'],
      [0o660, '600'],
    ] as const) {
      await writeFile(at('old'), '')
      await chmod(at('old'), mode)
      const target = await files.create(placement({ fileName: `${expected}-${mode}.jsonl` }), { modeFrom: at('old') })
      await target.write('main', bytes('x\n'))
      expect(await modeOf((await target.commit()).path)).toBe(expected)
      await rm(at('old'))
    }
  })

  test('can be read back before it is there', async () => {
    const target = await files.create(placement({ sidecarFolder: at('new', 'sessions', 's1') }))
    await target.write('main', bytes('main\n'))
    await target.write('sub/a.jsonl', bytes('side\n'))
    const parts = await all(target.written().parts())
    expect(
      await Promise.all(parts.map(async ({ name, source }) => [name, Buffer.from(await source.read(0, source.sizeBytes)).toString()])),
    ).toEqual([
      ['main', 'main\n'],
      ['sub/a.jsonl', 'side\n'],
    ])
    await target.discard()
  })

  test('goes on behind what was left where it was cut, and is cut to no more than it has', async () => {
    const target = await files.create(placement())
    await target.write('main', bytes('one\ntwo\nthree\n'))
    await target.cut('main', 4)
    await target.write('main', bytes('2\n'))
    await expect(target.cut('main', 7)).rejects.toThrow(TypeError)
    await expect(target.cut('other', 0)).rejects.toThrow(TypeError)
    expect(await readFile((await target.commit()).path, 'utf8')).toBe('one\n2\n')
  })

  test('is refused when its file has another size than what was written', async () => {
    const target = await files.create(placement())
    await target.write('main', bytes('one\n'))
    const main = (await tree()).find((name) => name.endsWith('/main'))
    await appendFile(at(main ?? ''), 'foreign\n')
    await expect(target.commit()).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    await target.discard()
    expect(await tree()).toEqual([])
  })

  test('has its sidecars below their folder', async () => {
    const target = await files.create(placement({ folder: at('p'), sidecarFolder: 's1' }))
    await target.write('main', bytes('main\n'))
    await target.write('sub/a.jsonl', bytes('side\n'))
    await target.commit()
    expect(await tree()).toEqual(['p', 'p/s1', 'p/s1.jsonl', 'p/s1/sub', 'p/s1/sub/a.jsonl'])
    expect(await modeOf(at('p', 's1', 'sub', 'a.jsonl'))).toBe('600')
    expect(await modeOf(at('p', 's1', 'sub'))).toBe('700')
  })

  test('never takes a name that exists, nor leaves its sidecars when it is taken meanwhile', async () => {
    await mkdir(at('p'))
    await writeFile(at('p', 's1.jsonl'), 'mine')
    await expect(files.create(placement({ folder: at('p') }))).rejects.toMatchObject({
      code: 'TARGET_REFUSED',
      details: { path: at('p', 's1.jsonl') },
    })
    await rm(at('p', 's1.jsonl'))
    const target = await files.create(placement({ folder: at('p'), sidecarFolder: at('p', 's1') }))
    await target.write('main', bytes('main\n'))
    await target.write('sub/a.jsonl', bytes('side\n'))
    await symlink('nowhere', at('p', 's1.jsonl'))
    await expect(target.commit()).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    await target.discard()
    expect(await tree()).toEqual(['p', 'p/s1.jsonl'])
  })

  test('never replaces a sidecar, and never goes through a link to one', async () => {
    await mkdir(at('p', 's1'), { recursive: true })
    await mkdir(at('elsewhere'))
    await writeFile(at('p', 's1', 'a.jsonl'), 'mine')
    await symlink(at('elsewhere'), at('p', 's1', 'sub'))
    for (const name of ['a.jsonl', 'sub/a.jsonl']) {
      const target = await files.create(placement({ folder: at('p'), sidecarFolder: at('p', 's1') }))
      await target.write('main', bytes('main\n'))
      await target.write(name, bytes('side\n'))
      await expect(target.commit()).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
      await target.discard()
    }
    expect(await tree()).toEqual(['elsewhere', 'p', 'p/s1', 'p/s1/a.jsonl', 'p/s1/sub'])
    expect(await readFile(at('p', 's1', 'a.jsonl'), 'utf8')).toBe('mine')
  })

  test.each(['../x', '/etc/x', 'a//b', 'a/../b', 'ä', ''])('has no sidecar named %j', async (name) => {
    const target = await files.create(placement())
    await expect(target.write(name, bytes('x'))).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    await target.discard()
    expect(await tree()).toEqual([])
  })

  test('that is discarded leaves nothing, not even the folders it made', async () => {
    await mkdir(at('new'))
    const target = await files.create(placement({ folder: at('new', 'deep', 'deeper') }))
    await target.write('main', bytes('x'))
    await target.discard()
    expect(await tree()).toEqual(['new'])
    await expect(target.write('main', bytes('x'))).rejects.toThrow(TypeError)
    await expect(target.commit()).rejects.toBeDefined()
    expect((await tree()).filter((name) => name.endsWith('.jsonl'))).toEqual([])
  })

  test('whose folder is a file, or whose name leads elsewhere, is refused', async () => {
    await writeFile(at('file'), '')
    await expect(files.create(placement({ folder: at('file') }))).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    await expect(files.create(placement({ fileName: '../s1.jsonl' }))).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
    await expect(files.create(placement({ fileName: '..' }))).rejects.toMatchObject({ code: 'TARGET_REFUSED' })
  })

  test('of two that race for one name, one appears and one is refused', async () => {
    const targets = await Promise.all([1, 2].map(() => files.create(placement())))
    await Promise.all(targets.map((target, number) => target.write('main', bytes(`${number}\n`))))
    const outcomes = await Promise.allSettled(targets.map((target) => target.commit()))
    expect(outcomes.map((outcome) => outcome.status).sort()).toEqual(['fulfilled', 'rejected'])
    await Promise.all(targets.map((target) => target.discard()))
    expect(await tree()).toEqual(['new', 'new/sessions', 'new/sessions/s1.jsonl'])
  })

  test('of a process that was killed before its commit is not there', async () => {
    const source = `
      import { nodeTranscriptFiles } from ${JSON.stringify(join(import.meta.dirname, '../src/index.ts'))}
      const target = await nodeTranscriptFiles().create(${JSON.stringify(placement({ folder: at('p'), sidecarFolder: at('p', 's1') }))})
      await target.write('sub/a.jsonl', Buffer.from('side'))
      await target.write('main', Buffer.from('half'))
      process.kill(process.pid, 'SIGKILL')`
    const { signal, stderr } = spawnSync(process.execPath, ['--conditions=@palimpsest/source', '--input-type=module', '-e', source], {
      encoding: 'utf8',
    })
    expect([signal, stderr]).toEqual(['SIGKILL', ''])
    expect((await readdir(at('p'))).filter((name) => !name.startsWith('.'))).toEqual([])
  })
})

describe('what a killed process left beside a target', () => {
  const old = new Date(Date.now() - 61 * 60_000)
  const leave = async (name: string, time: Date, parts: readonly string[] = ['main']) => {
    await mkdir(at(name), { recursive: true })
    for (const part of parts) {
      await writeFile(at(name, part), 'half')
      await utimes(at(name, part), time, time)
    }
    await utimes(at(name), time, time)
  }

  test('goes with the next session that is written there, when it is older than an hour; nothing else does', async () => {
    await leave('.gone.jsonl.0123456789ab.palimpsest.tmp', old)
    await leave('.empty.jsonl.0123456789ab.palimpsest.tmp', old, [])
    await leave('.running.jsonl.0123456789ab.palimpsest.tmp', new Date())
    await leave('.other.jsonl.0123456789ab.tmp', old)
    await leave('visible.jsonl.0123456789ab.palimpsest.tmp', old)
    await leave('.slow.jsonl.0123456789ab.palimpsest.tmp', old)
    await utimes(at('.slow.jsonl.0123456789ab.palimpsest.tmp', 'main'), new Date(), new Date())
    await writeFile(at('.file.jsonl.0123456789ab.palimpsest.tmp'), 'a file')
    await utimes(at('.file.jsonl.0123456789ab.palimpsest.tmp'), old, old)
    await leave('elsewhere', old)
    await symlink(at('elsewhere'), at('.link.jsonl.0123456789ab.palimpsest.tmp'))
    await writeFile(at('s1.jsonl'), 'old\n')
    const before = await readdir(folder)
    const target = await files.replace(at('s1.jsonl'), { expected: await identityAt(at('s1.jsonl')), force: false })
    expect((await readdir(folder)).filter((name) => name.startsWith('.s1.jsonl.'))).toHaveLength(1)
    await target.discard()
    const after = await readdir(folder)
    expect(before.filter((name) => !after.includes(name)).sort()).toEqual(
      ['.empty.jsonl.0123456789ab.palimpsest.tmp', '.gone.jsonl.0123456789ab.palimpsest.tmp'].sort(),
    )
    expect(await readdir(at('elsewhere'))).toEqual(['main'])
    await leave('new/sessions/.gone.jsonl.0123456789ab.palimpsest.tmp', old)
    await (await files.create(placement())).discard()
    expect(await readdir(at('new', 'sessions'))).toEqual([])
  })
})

describe('a replaced session', () => {
  beforeEach(async () => {
    await writeFile(at('s1.jsonl'), 'old\n')
    await chmod(at('s1.jsonl'), 0o664)
  })

  test('takes the place of the old one with its mode', async () => {
    const target = await files.replace(at('s1.jsonl'), {
      expected: await identityAt(at('s1.jsonl')),
      force: false,
      sidecarFolder: at('s1'),
    })
    await target.write('main', bytes('new\n'))
    await target.write('a.jsonl', bytes('side\n'))
    expect(await readFile(at('s1.jsonl'), 'utf8')).toBe('old\n')
    expect(await target.commit()).toEqual({ path: at('s1.jsonl') })
    expect(await readFile(at('s1.jsonl'), 'utf8')).toBe('new\n')
    expect(await modeOf(at('s1.jsonl'))).toBe('664')
    expect(await tree()).toEqual(['s1', 's1.jsonl', 's1/a.jsonl'])
  })

  test('named by a link takes the place of the file, and the link stays', async () => {
    await symlink(at('s1.jsonl'), at('link.jsonl'))
    const target = await files.replace(at('link.jsonl'), { expected: await identityAt(at('s1.jsonl')), force: false })
    await target.write('main', bytes('new\n'))
    await target.commit()
    expect(await readFile(at('s1.jsonl'), 'utf8')).toBe('new\n')
    expect((await lstat(at('link.jsonl'))).isSymbolicLink()).toBe(true)
  })

  test('is a conflict when the file was written since it was read, or within the minute unless forced', async () => {
    const expected = await identityAt(at('s1.jsonl'))
    for (const other of [{ sizeBytes: 5 }, { inode: '1' }, { device: '1' }, { modifiedAtMs: 1 }]) {
      await expect(files.replace(at('s1.jsonl'), { expected: { ...expected, ...other }, force: true })).rejects.toMatchObject({
        code: 'CHECKPOINT_CONFLICT',
      })
    }
    const recent = await identityAt(at('s1.jsonl'), 30_000)
    await expect(files.replace(at('s1.jsonl'), { expected: recent, force: false })).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
    await (await files.replace(at('s1.jsonl'), { expected: recent, force: true })).discard()
    await rm(at('s1.jsonl'))
    await expect(files.replace(at('s1.jsonl'), { expected, force: true })).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
  })

  test('is a conflict when the file is written before the commit, and nothing is lost or left', async () => {
    const target = await files.replace(at('s1.jsonl'), { expected: await identityAt(at('s1.jsonl')), force: true, sidecarFolder: 's1' })
    await target.write('main', bytes('new\n'))
    await target.write('a.jsonl', bytes('side\n'))
    await writeFile(at('s1.jsonl'), 'newer\n')
    await expect(target.commit()).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
    await target.discard()
    expect(await readFile(at('s1.jsonl'), 'utf8')).toBe('newer\n')
    expect(await tree()).toEqual(['s1.jsonl'])
  })
})

describe('an appended line', () => {
  test('comes behind the last, which is ended first where it is not', async () => {
    for (const [before, after] of [
      ['', 'new\n'],
      ['old\n', 'old\nnew\n'],
      ['torn', 'torn\nnew\n'],
    ] as const) {
      await writeFile(at('s1.jsonl'), before)
      await files.append(at('s1.jsonl'), bytes('new\n'), { expected: await identityAt(at('s1.jsonl')), force: false })
      expect(await readFile(at('s1.jsonl'), 'utf8')).toBe(after)
    }
  })

  test('is a conflict under the conditions of a replacement, and a pipe is no file', async () => {
    await writeFile(at('s1.jsonl'), 'old\n')
    const expected = await identityAt(at('s1.jsonl'))
    await expect(
      files.append(at('s1.jsonl'), bytes('new\n'), { expected: { ...expected, sizeBytes: 3 }, force: true }),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
    await expect(
      files.append(at('s1.jsonl'), bytes('new\n'), { expected: await identityAt(at('s1.jsonl'), 1000), force: false }),
    ).rejects.toMatchObject({ code: 'CHECKPOINT_CONFLICT' })
    execFileSync('mkfifo', [at('pipe')])
    await expect(files.append(at('pipe'), bytes('new\n'), { expected, force: true })).rejects.toMatchObject({
      code: 'TRANSCRIPT_UNREADABLE',
    })
    expect(await readFile(at('s1.jsonl'), 'utf8')).toBe('old\n')
  })
})
