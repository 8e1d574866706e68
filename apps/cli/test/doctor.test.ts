import { mkdir, mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import { openHost } from '@palimpsest/host'
import { afterEach, describe, expect, test } from 'vitest'
import { commandLine, type Ended } from './command-line.ts'
import { now } from './fake-host.ts'
import { piSession } from './pi-session.ts'

const folders: string[] = []
const dayMs = 24 * 60 * 60 * 1000

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

interface Home {
  readonly folder: string
  run(...words: readonly string[]): Promise<Ended>
  write(name: string, text: string, atMs?: number): Promise<string>
  findings(): Promise<readonly { check: string; level: string; message: string; mend?: string }[]>
}

async function home(env: Readonly<Record<string, string>> = {}): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-doctor-'))
  folders.push(folder)
  const run = async (...words: readonly string[]): Promise<Ended> => {
    const host = await openHost({ env: {}, homeFolder: folder, store: join(folder, 'store') })
    return commandLine(words, { host, cwd: folder, env: { HOME: folder, ...env } })
  }
  return {
    folder,
    run,
    async write(name, text, atMs) {
      const path = join(folder, name)
      await mkdir(dirname(path), { recursive: true })
      await writeFile(path, text)
      if (atMs !== undefined) await utimes(path, atMs / 1000, atMs / 1000)
      return path
    },
    async findings() {
      const { status, json, stderr } = await run('doctor', '--json')
      expect(stderr).toBe('')
      expect(status).toBe(0)
      return (json() as { findings: { check: string; level: string; message: string; mend?: string }[] }).findings
    },
  }
}

describe('palimpsest doctor', () => {
  test('on a machine without agents there is nothing to mend', async () => {
    const { findings } = await home()
    const found = await findings()
    expect(found.map(({ check, level }) => `${check} ${level}`)).toEqual(['node ok', 'store ok'])
  })

  test('says which agents are here without palimpsest, and the command that mends it; then that it is installed', async () => {
    const { run, write, findings } = await home()
    await write('.pi/agent/settings.json', '{}')
    expect(await findings()).toContainEqual(
      expect.objectContaining({ check: 'installation', agent: 'pi', level: 'warning', mend: 'palimpsest install pi' }),
    )
    await run('install', 'pi', '--yes')
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'installation', level: 'ok', message: 'Installed in pi.' }))
  })

  test('names an entry that was edited by hand, one of another place, and settings that are no JSON', async () => {
    const { folder, run, write, findings } = await home()
    await write('.claude/settings.json', '{}')
    await run('install', 'claude-code', '--yes')
    const text = await readFile(join(folder, '.claude/settings.json'), 'utf8')
    await write('.claude/settings.json', text.replace('"timeout": 60', '"timeout": 1'))
    expect(JSON.stringify(await findings())).toContain('hooks.PreCompact was edited by hand')
    await write('.claude/settings.json', '{')
    expect(JSON.stringify(await findings())).toContain('it is not JSON')
    await write('.claude/settings.json', text)
    await write('.claude.json', (await readFile(join(folder, '.claude.json'), 'utf8')).replace('/store"', '/store-2"'))
    expect(await findings()).toContainEqual(
      expect.objectContaining({ check: 'installation', level: 'warning', mend: 'palimpsest install claude-code' }),
    )
  })

  test('says that hooks are switched off', async () => {
    const { run, write, findings } = await home()
    await write('.claude/settings.json', '{ "disableAllHooks": true }')
    await run('install', 'claude-code', '--yes')
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'hooks', level: 'warning', agent: 'claude-code' }))
  })

  test('names what hooks have logged within seven days', async () => {
    const { write, findings } = await home()
    const line = (daysAgo: number, message: string): string =>
      `${JSON.stringify({ at: new Date(now - daysAgo * dayMs).toISOString(), words: ['claude-code', 'PreCompact'], message })}\n`
    await write('.local/state/palimpsest/hook.log', `${line(20, 'long ago')}not JSON\n${line(2, 'first')}${line(1, 'the disk is full')}`)
    const found = (await findings()).filter(({ check }) => check === 'hooks')
    expect(found).toMatchObject([
      { level: 'warning', message: expect.stringMatching(/^2 problems .*: the disk is full$/), mend: 'palimpsest scan' },
    ])
  })

  test('names sessions whose compactions are not kept, until a scan has kept them', async () => {
    const { run, write, findings } = await home()
    await write('.pi/agent/sessions/--p--/1_a.jsonl', piSession().text)
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        check: 'captures',
        level: 'warning',
        message: expect.stringMatching(/^1 session of pi/),
        mend: 'palimpsest scan --agent pi',
      }),
    )
    await run('scan', '--agent', 'pi')
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'captures', level: 'ok' }))
  })

  test('tells compactions that only a scan found, since the installation, as hooks that don’t run', async () => {
    const { folder, run, write, findings } = await home()
    await run('install', 'pi', '--yes')
    const records = join(folder, '.local/state/palimpsest/installed')
    const { readdir } = await import('node:fs/promises')
    for (const name of await readdir(records)) await utimes(join(records, name), 1, 1)
    await write('.pi/agent/sessions/--p--/1_a.jsonl', piSession().text)
    await run('scan')
    expect(await findings()).toContainEqual(
      expect.objectContaining({
        check: 'hooks',
        level: 'warning',
        message: expect.stringMatching(/^1 compaction of pi since the installation/),
      }),
    )
  })

  test.each([
    [{}, 26, true],
    [{}, 10, false],
    [{ cleanupPeriodDays: 365 }, 26, false],
    [{ cleanupPeriodDays: 10 }, 10, true],
  ])('settings %j, a transcript %i days old, nothing of it kept: named %j', async (settings, days, isNamed) => {
    const { folder, run, write, findings } = await home()
    await write('.claude/settings.json', JSON.stringify(settings))
    const id = '0f0f0f0f-0000-4000-8000-000000000001'
    const line = {
      type: 'user',
      uuid: 'u1',
      parentUuid: null,
      sessionId: id,
      cwd: '/p',
      version: '2.1.330',
      timestamp: '2026-01-01T00:00:00Z',
    }
    const text = `${JSON.stringify({ ...line, message: { role: 'user', content: 'hello' } })}\n`
    const path = await write(`.claude/projects/-p/${id}.jsonl`, text, now - days * dayMs)
    const found = (await findings()).filter(({ check }) => check === 'deletion')
    expect(found.map(({ mend }) => mend)).toEqual(isNamed ? [`palimpsest capture --agent claude-code --transcript ${path}`] : [])
    await run('capture', '--agent', 'claude-code', '--transcript', join(folder, `.claude/projects/-p/${id}.jsonl`))
    expect((await findings()).filter(({ check }) => check === 'deletion')).toEqual([])
  })

  test('names versions outside what was tested, without starting the agent', async () => {
    const { folder, write, run } = await home()
    const host = await openHost({ env: {}, homeFolder: folder, store: join(folder, 'store') })
    await write('lib/pi/package.json', JSON.stringify({ name: '@mariozechner/pi-coding-agent', version: '9.0.0' }))
    await write('lib/pi/pi', '#!/bin/sh\nexit 1\n')
    const { json } = await commandLine(['doctor', '--json'], { host, cwd: folder, env: { HOME: folder, PATH: join(folder, 'lib/pi') } })
    expect(json()).toMatchObject({
      findings: expect.arrayContaining([
        expect.objectContaining({ check: 'versions', level: 'note', message: expect.stringMatching(/^pi 9\.0\.0 lies outside/) }),
      ]),
    })
    expect((await run('doctor')).stdout).not.toContain('9.0.0')
  })

  test('names what an installation that was cut off left behind', async () => {
    const { write, findings } = await home()
    const path = await write('.claude/.settings.json.palimpsest-0123456789ab', '{}', now - dayMs)
    expect(await findings()).toContainEqual(expect.objectContaining({ check: 'leftovers', mend: `rm ${path}` }))
  })

  test('a store that is broken is the one thing that makes it fail', async () => {
    const openError = new CheckpointError('FORMAT_UNSUPPORTED', 'The store is of a newer version.', { found: 2, supported: 1 })
    const { status, json } = await commandLine(['doctor', '--json'], { openError })
    expect(status).toBe(4)
    expect(json()).toMatchObject({
      findings: [{ check: 'node' }, { check: 'store', level: 'broken', message: 'The store is of a newer version.' }],
    })
  })
})
