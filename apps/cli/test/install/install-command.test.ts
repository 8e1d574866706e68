import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import { openHost } from '@palimpsest/host'
import { afterEach, describe, expect, test } from 'vitest'
import { commandLine, type Ended, type World } from '../command-line.ts'

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) {
    await chmod(join(folder, '.claude'), 0o700).catch(() => undefined)
    await rm(folder, { recursive: true, force: true })
  }
})

interface Home {
  readonly folder: string
  readonly settings: string
  run(words: string, world?: World & { store?: string }): Promise<Ended>
  read(name: string): Promise<string>
}

async function home(settings?: string): Promise<Home> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-install-'))
  folders.push(folder)
  const path = join(folder, '.claude', 'settings.json')
  if (settings !== undefined) {
    await mkdir(join(folder, '.claude'))
    await writeFile(path, settings)
  }
  return {
    folder,
    settings: path,
    async run(words, { store = 'store', ...world } = {}) {
      const host = await openHost({ env: {}, homeFolder: folder, store: join(folder, store) })
      return commandLine(words.split(' '), { host, cwd: folder, env: { HOME: folder }, ...world })
    },
    read: (name) => readFile(join(folder, name), 'utf8'),
  }
}

async function treeOf(folder: string): Promise<readonly string[]> {
  const names = await readdir(folder, { recursive: true })
  return names.filter((name) => !/^(?:store|\.local|\.cache)/.test(name)).sort()
}

describe('palimpsest install claude-code', () => {
  test('writes absolute commands with store and home into the hooks and the MCP server', async () => {
    const { folder, run, read } = await home('{\n  "theme": "dark" // mine\n}\n')
    const { status, stdout } = await run('install claude-code --yes')
    expect(status).toBe(0)
    const settings = await read('.claude/settings.json')
    expect(settings).toContain('"theme": "dark", // mine\n  "hooks": {\n    "PreCompact": [')
    for (const event of ['PreCompact', 'PostCompact', 'SessionStart', 'SessionEnd']) {
      const words = [process.execPath, '.*/bin/palimpsest-hook.cjs', 'claude-code', event]
      expect(settings).toMatch(new RegExp(`"command": "${words.join(' ')} --store file://${folder}/store --home ${folder}/.claude"`))
    }
    const { mcpServers } = JSON.parse(await read('.claude.json'))
    expect(mcpServers.palimpsest).toEqual({
      type: 'stdio',
      command: process.execPath,
      args: [expect.stringMatching(/\/bin\/palimpsest\.js$/), 'mcp', '--scope', 'project', '--store', `file://${folder}/store`],
      env: { CLAUDE_CONFIG_DIR: join(folder, '.claude') },
    })
    expect((await stat(join(folder, '.claude.json'))).mode & 0o777).toBe(0o600)
    expect(stdout).toContain('+     "PreCompact": [')
    expect(stdout).not.toContain('theme')
    expect(stdout).toContain('palimpsest is installed into claude-code.')
  })

  test('does nothing the second time, and uninstall gives every byte and mode back', async () => {
    const { folder, settings, run, read } = await home('{"theme":"dark","hooks":{"PreCompact":[]}}')
    await chmod(settings, 0o640)
    const before = await treeOf(folder)
    await run('install claude-code --yes')
    expect((await stat(settings)).mode & 0o777).toBe(0o640)
    const after = await read('.claude/settings.json')
    const again = await run('install claude-code --json')
    expect(again.json()).toMatchObject({ done: true, files: [{ change: 'none' }, { change: 'none' }] })
    expect(await read('.claude/settings.json')).toBe(after)
    await run('uninstall claude-code --yes')
    expect(await read('.claude/settings.json')).toBe('{"theme":"dark","hooks":{"PreCompact":[]}}')
    expect((await stat(settings)).mode & 0o777).toBe(0o640)
    expect(await treeOf(folder)).toEqual(before)
    expect(await readdir(join(folder, '.local/state/palimpsest/installed'))).toEqual([])
  })

  test('leaves no file and no folder that was not there before', async () => {
    const { folder, run } = await home()
    await run('install claude-code --yes')
    expect(await treeOf(folder)).toEqual(['.claude', '.claude.json', '.claude/settings.json'])
    await run('uninstall claude-code --yes')
    expect(await treeOf(folder)).toEqual([])
  })

  test('an empty file is empty again', async () => {
    const { run, read } = await home('\n')
    await run('install claude-code --yes')
    expect(JSON.parse(await read('.claude/settings.json'))).toHaveProperty('hooks')
    await run('uninstall claude-code --yes')
    expect(await read('.claude/settings.json')).toBe('\n')
  })

  test('another store replaces the first, and what the agent wrote meanwhile stays', async () => {
    const { folder, settings, run, read } = await home('{}\n')
    await run('install claude-code --yes')
    const state = JSON.parse(await read('.claude.json'))
    await writeFile(join(folder, '.claude.json'), JSON.stringify({ numStartups: 1, ...state }, undefined, 2))
    await run('install claude-code --yes', { store: 'store-2' })
    expect(await read('.claude/settings.json')).not.toMatch(/\/store /)
    expect(JSON.parse(await read('.claude.json'))).toMatchObject({ numStartups: 1, mcpServers: { palimpsest: expect.anything() } })
    await run('uninstall claude-code --yes')
    expect(await readFile(settings, 'utf8')).toBe('{}\n')
    expect(JSON.parse(await read('.claude.json'))).toEqual({ numStartups: 1 })
  })

  test.each(['{ "theme": ', 'theme = "dark"\n', '[]', '{"hooks": 1}'])(
    'settings that say %s are refused, and nothing is written',
    async (text) => {
      const { folder, run, read } = await home(text)
      const { status, stderr } = await run('install claude-code --yes')
      expect(status).toBe(6)
      expect(stderr).toContain('was left as it is')
      expect(await read('.claude/settings.json')).toBe(text)
      expect(await treeOf(folder)).toEqual(['.claude', '.claude/settings.json'])
    },
  )

  test('an entry that was edited by hand is left and named', async () => {
    const { settings, run, read } = await home('{}\n')
    await run('install claude-code --yes')
    const edited = (await read('.claude/settings.json')).replace('"timeout": 60', '"timeout": 5')
    await writeFile(settings, edited)
    const again = await run('install claude-code --yes')
    expect(again.stdout).toContain('hooks.PreCompact was edited by hand and was left as it is.')
    expect(await read('.claude/settings.json')).toBe(edited)
    const { stdout } = await run('uninstall claude-code --yes')
    expect(stdout).toContain('hooks.PreCompact was edited by hand')
    expect(await read('.claude/settings.json')).toContain('"timeout": 5')
  })

  test('two installations at once are one', async () => {
    const { folder, run, read } = await home('{\n  "a": 1\n}\n')
    const ended = await Promise.all(Array.from({ length: 8 }, () => run('install claude-code --yes')))
    expect(ended.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => 0))
    expect((await read('.claude/settings.json')).match(/claude-code PreCompact/g)).toHaveLength(1)
    await run('uninstall claude-code --yes')
    expect(await read('.claude/settings.json')).toBe('{\n  "a": 1\n}\n')
    expect(await treeOf(folder)).toEqual(['.claude', '.claude/settings.json'])
  })

  test.skipIf(process.getuid?.() === 0)('a home that can’t be written is an error that names it, and nothing is half-done', async () => {
    const { folder, run, read } = await home('{}\n')
    await chmod(join(folder, '.claude'), 0o500)
    const { status, json } = await run('install claude-code --yes --json')
    expect(status).toBe(6)
    expect(json()).toMatchObject({ error: { code: 'TARGET_REFUSED', message: expect.stringContaining('permission denied') } })
    expect(await read('.claude/settings.json')).toBe('{}\n')
    expect(await treeOf(folder)).toEqual(['.claude', '.claude/settings.json'])
  })

  test('when the second file can’t be written, the first is what it was', async () => {
    const { folder, run, read } = await home('{}\n')
    await mkdir(join(folder, '.claude.json'))
    const { status } = await run('install claude-code --yes')
    expect(status).toBe(6)
    expect(await read('.claude/settings.json')).toBe('{}\n')
  })

  test('a link is followed and named; it stays a link', async () => {
    const { folder, settings, run, read } = await home('{}\n')
    await mkdir(join(folder, 'dotfiles'))
    await writeFile(join(folder, 'dotfiles/claude.json'), '{\n}\n')
    await rm(settings)
    await symlink('../dotfiles/claude.json', settings)
    const { stdout } = await run('install claude-code --yes')
    expect(stdout).toContain('a symbolic link leads elsewhere')
    expect((await lstat(settings)).isSymbolicLink()).toBe(true)
    expect(JSON.parse(await read('dotfiles/claude.json'))).toHaveProperty('hooks')
    await run('uninstall claude-code --yes')
    expect(await read('dotfiles/claude.json')).toBe('{\n}\n')
  })

  test('nobody to ask: nothing is written without --yes', async () => {
    const { run, read } = await home('{}\n')
    const { status, stderr } = await run('install claude-code')
    expect(status).toBe(2)
    expect(stderr).toContain('+ ')
    expect(stderr).toContain('--yes')
    expect(await read('.claude/settings.json')).toBe('{}\n')
  })

  test.each([
    ['y\n', true],
    ['n\n', false],
    ['\n', false],
  ])('on a terminal it shows the change and asks; %j', async (answer, isWritten) => {
    const { run, read } = await home('{}\n')
    const stdin = Object.assign(new PassThrough(), { isTTY: true })
    const ended = run('install claude-code', { stdin, terminal: true, stderrColumns: 80 })
    stdin.write(answer)
    const { status, stderr } = await ended
    expect(status).toBe(0)
    expect(stderr).toContain('Write this? [y/N]')
    expect((await read('.claude/settings.json')) !== '{}\n').toBe(isWritten)
  })

  test('an unknown agent, a plugin of another agent and a store in memory are refused', async () => {
    const { run } = await home()
    expect((await run('install emacs --yes')).status).toBe(2)
    expect((await run('install pi --plugin x --yes')).status).toBe(2)
    const host = await openHost({ env: {}, store: 'memory:' })
    expect((await run('install pi --yes', { host })).status).toBe(2)
  })

  test('a plugin folder comes and goes whole; a file of it that was edited stays', async () => {
    const { folder, run, read } = await home()
    await run('install claude-code --plugin plug --yes')
    const names = ['plug/.claude-plugin/plugin.json', 'plug/.mcp.json', 'plug/LICENSE', 'plug/README.md', 'plug/hooks/hooks.json']
    expect(await treeOf(folder)).toEqual([...names, 'plug', 'plug/.claude-plugin', 'plug/hooks'].sort())
    expect(JSON.parse(await read('plug/hooks/hooks.json')).hooks).toHaveProperty('PreCompact')
    await writeFile(join(folder, 'plug/README.md'), 'mine')
    expect((await run('uninstall claude-code --plugin plug --yes')).stdout).toContain('README.md: the whole file was edited by hand')
    expect(await treeOf(folder)).toEqual(['plug', 'plug/README.md'])
  })
})

describe('palimpsest install pi', () => {
  test('writes an extension and MCP settings, and takes them away again', async () => {
    const { folder, run, read } = await home()
    await run('install pi --yes')
    expect(await treeOf(folder)).toEqual([
      '.pi',
      '.pi/agent',
      '.pi/agent/extensions',
      '.pi/agent/extensions/palimpsest.js',
      '.pi/agent/mcp.json',
    ])
    expect(await read('.pi/agent/extensions/palimpsest.js')).toContain(`file://${folder}/store`)
    await run('uninstall pi --yes')
    expect(await treeOf(folder)).toEqual([])
  })

  test('a file of another’s in its place is left', async () => {
    const { folder, run, read } = await home()
    await mkdir(join(folder, '.pi/agent/extensions'), { recursive: true })
    await writeFile(join(folder, '.pi/agent/extensions/palimpsest.js'), 'export default 1')
    expect((await run('install pi --yes')).stdout).toContain('was edited by hand and was left')
    expect(await read('.pi/agent/extensions/palimpsest.js')).toBe('export default 1')
  })
})
