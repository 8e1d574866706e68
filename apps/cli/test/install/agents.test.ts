import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { openHost } from '@palimpsest/host'
import { parse } from 'smol-toml'
import { afterEach, describe, expect, test } from 'vitest'
import { installers } from '../../src/install/agents/index.ts'
import { commandLine, type Ended } from '../command-line.ts'

const folders: string[] = []

afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

async function home(files: Readonly<Record<string, string>> = {}): Promise<{ folder: string; run(words: string): Promise<Ended> }> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-agents-'))
  folders.push(folder)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return {
    folder,
    async run(words) {
      const host = await openHost({ env: {}, homeFolder: folder, store: join(folder, 'store') })
      return commandLine(words.split(' '), { host, cwd: folder, env: { HOME: folder } })
    },
  }
}

async function contentOf(folder: string): Promise<Readonly<Record<string, string>>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
  const own = files.filter((file) => !/\/(?:store|\.local\/state|\.cache)\//.test(file.slice(folder.length)))
  return Object.fromEntries(
    await Promise.all(own.map(async (file) => [file.slice(folder.length + 1), await readFile(file, 'utf8')] as const)),
  )
}

describe.each(installers.map(({ agent }) => agent))('palimpsest install %s', (agent) => {
  test('names Node, script, store and the agent’s home; twice is once; uninstall leaves nothing', async () => {
    const { folder, run } = await home()
    expect((await run(`install ${agent} --yes`)).status).toBe(0)
    const content = await contentOf(folder)
    const all = Object.values(content).join('\n')
    for (const part of [process.execPath, 'palimpsest-hook.cjs', `file://${folder}/store`, '--home', folder]) expect(all).toContain(part)
    expect((await run(`install ${agent} --json`)).json()).toMatchObject({ done: true })
    expect(await contentOf(folder)).toEqual(content)
    expect((await run(`uninstall ${agent} --yes`)).status).toBe(0)
    expect(await contentOf(folder)).toEqual({})
  })

  test('what it writes can be parsed', async () => {
    const { folder, run } = await home()
    await run(`install ${agent} --yes`)
    for (const [name, text] of Object.entries(await contentOf(folder))) {
      if (name.endsWith('.json')) expect(() => JSON.parse(text)).not.toThrow()
      else if (name.endsWith('.toml')) expect(() => parse(text)).not.toThrow()
      else expect(Object.keys(await import(/* @vite-ignore */ pathToFileURL(join(folder, name)).href))).toHaveLength(1)
    }
  })
})

const commented: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  codex: {
    '.codex/config.toml': '# mine\nmodel = "m" # aligned\n\n[[hooks.PreCompact]]\nmatcher = "auto"\n\n[mcp_servers.other]\ncommand = "x"',
  },
  opencode: { '.config/opencode/opencode.jsonc': '{\n\t// mine\n\t"mcp": { "other": { "type": "local" } },\n}\n' },
  gemini: { '.gemini/settings.json': '{\n  // mine\n  "hooks": { "PreCompress": [] }\n}' },
  copilot: { '.copilot/mcp-config.json': '{"mcpServers":{}}', '.copilot/hooks/other.json': '{}' },
}

test.each(Object.entries(commented))('settings of %s that are there keep every byte', async (agent, files) => {
  const { folder, run } = await home(files)
  await run(`install ${agent} --yes`)
  expect(await contentOf(folder)).not.toEqual(files)
  await run(`uninstall ${agent} --yes`)
  expect(await contentOf(folder)).toEqual(files)
})

test('doctor names hooks of Codex that are not trusted, by the place that they have in the file', async () => {
  const { folder, run } = await home({ '.codex/config.toml': '[[hooks.PreCompact]]\nmatcher = "auto"\n' })
  await run('install codex --yes')
  const trust = async (): Promise<unknown> => {
    const { findings } = (await run('doctor --json')).json() as { findings: readonly { check: string }[] }
    return findings.filter(({ check }) => check === 'trust')
  }
  expect(await trust()).toMatchObject([
    { message: expect.stringContaining('PreCompact, PostCompact, SessionStart, SessionEnd'), mend: 'codex' },
  ])
  const path = join(folder, '.codex/config.toml')
  const state = (event: string, index: number): string => `\n[hooks.state."${path}:${event}:${index}:0"]\ntrusted_hash = "sha256:0"\n`
  const trusted = state('pre_compact', 1) + state('post_compact', 0) + state('session_start', 0) + state('session_end', 0)
  await writeFile(path, (await readFile(path, 'utf8')) + trusted)
  expect(await trust()).toEqual([])
  await run('uninstall codex --yes')
  expect(await readFile(path, 'utf8')).toBe(`[[hooks.PreCompact]]\nmatcher = "auto"\n${trusted}`)
})
