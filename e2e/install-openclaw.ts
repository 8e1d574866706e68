import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, installClient } from './clients.ts'
import { assertSame } from './difference.ts'
import { withClient } from './install-kept.ts'
import { at, shown } from './json-value.ts'
import { palimpsestIn } from './palimpsest.ts'
import { emptyEnvironment } from './places.ts'
import { lastLines, run } from './processes.ts'
import type { Course, Scenario } from './suite.ts'

/** As a person writes it: JSON5, which `install` leaves alone. */
const ownSettings = `{
  // by hand
  plugins: { allow: ['palimpsest'], slots: { memory: 'none' } },
}
`

/** OpenClaw with palimpsest installed by its own command: its loader takes the plugin. Sessions of it are not held here. */
export function installIntoOpenClaw(course: Course): Promise<void> {
  return withClient(course, 'openclaw', 'mock-models.mjs', installOpenClaw, { 'loaded by its own loader': loaded })
}

async function installOpenClaw(): Promise<{ readonly program: string } | { readonly missing: string }> {
  const client = { name: 'openclaw', package: 'openclaw', version: '2026.4.27', installFlags: ['--ignore-scripts', '--omit=optional'] }
  const installed = await installClient(client)
  if ('missing' in installed) return installed
  const program = join(installed.folder, 'node_modules/openclaw/openclaw.mjs')
  return (await exists(program)) ? { program } : { missing: `it has no ${program}` }
}

async function loaded(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  const home = join(scenario.folder, 'home')
  const state = join(home, '.openclaw')
  const settings = join(state, 'openclaw.json')
  await mkdir(state, { recursive: true })
  await writeFile(settings, ownSettings)
  const env = { OPENCLAW_STATE_DIR: state }
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home, env })
  const openClaw = (...words: readonly string[]) =>
    run([process.execPath, program, ...words], {
      cwd: home,
      env: { ...emptyEnvironment(home), ...env, npm_config_offline: 'true', NO_COLOR: '1' },
      timeoutMs: 90_000,
    })
  await palimpsest.json('install', 'openclaw', '--yes')
  await scenario.check('the client loads the plugin, which listens before and after compactions', async () => {
    const { status, stdout, stderr } = await openClaw('plugins', 'inspect', 'palimpsest', '--json')
    if (status !== 0) throw new Error(`it exited ${status}: ${lastLines(stdout)} ${lastLines(stderr)}`)
    const text = stdout.toString()
    const found: unknown = JSON.parse(text.slice(text.indexOf('{')))
    assertSame('loaded', at(found, 'plugin', 'status'), `status (${shown(found, 1500)})`)
    for (const hook of ['before_compaction', 'after_compaction'])
      if (!JSON.stringify(at(found, 'typedHooks')).includes(hook)) throw new Error(`it does not listen to ${hook}: ${shown(found, 1500)}`)
    if (/implicit.startup/.test(text)) throw new Error(`it is loaded by a rule that goes away: ${shown(found, 1500)}`)
  })
  await scenario.check('uninstall takes the plugin away, and the settings are what they were', async () => {
    await palimpsest.json('uninstall', 'openclaw', '--yes')
    assertSame(false, await exists(join(state, 'extensions')), 'whether its folder is there')
    assertSame(ownSettings, await readFile(settings, 'utf8'), 'openclaw.json')
    const { stdout, stderr } = await openClaw('plugins', 'inspect', 'palimpsest', '--json')
    if (!/not found/i.test(`${stdout.toString()} ${stderr.toString()}`))
      throw new Error(`it says ${lastLines(stdout)} ${lastLines(stderr)}`)
  })
}
