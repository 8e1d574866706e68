import { existsSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { hookWords, type InstallContext, type Installer, mcpServer } from '../installer.ts'
import { runHookSource } from './run-hook-source.ts'

const agent = 'opencode'

/** OpenCode 1.18: a plugin in `plugin/` of its configuration folder, and an MCP server in `opencode.json` (`opencode.jsonc` where there is one). */
export const openCodeInstaller: Installer = {
  agent,
  folder: (context) => join(dataFolder(context), 'opencode'),
  program: { name: 'opencode', packages: ['opencode-ai', 'opencode'], tested: ['1.18.33'] },
  files: (context) => {
    const folder = join(configFolder(context), 'opencode')
    const withComments = join(folder, 'opencode.jsonc')
    const { command, args, env } = mcpServer(context, agent)
    return [
      { kind: 'whole', path: join(folder, 'plugin', 'palimpsest.js'), text: pluginSource(context) },
      {
        kind: 'json',
        path: existsSync(withComments) ? withComments : join(folder, 'opencode.json'),
        entries: [
          { at: ['mcp'], name: 'palimpsest', value: { type: 'local', command: [command, ...args], environment: env, enabled: true } },
        ],
      },
    ]
  },
  notes: () => ['OpenCode loads the plugin when it is started anew.'],
}

function dataFolder({ env, homeFolder }: InstallContext): string {
  return agentHome(agent, env, homeFolder)
}

function configFolder({ env, homeFolder }: InstallContext): string {
  const configured = env['XDG_CONFIG_HOME'] ?? ''
  return isAbsolute(configured) ? configured : join(homeFolder, '.config')
}

function pluginSource(context: InstallContext): string {
  const commands = Object.fromEntries(['before-compact', 'compact'].map((event) => [event, hookWords(context, agent, event)]))
  return `// Written by "palimpsest install"; "palimpsest uninstall" takes it away. It keeps the session as it is before a compaction.
import { spawn } from 'node:child_process'
import { isAbsolute, join } from 'node:path'

const commands = ${JSON.stringify(commands, undefined, 2)}
const folder = ${JSON.stringify(join(dataFolder(context), 'opencode'))}

export const Palimpsest = async () => ({
  'experimental.session.compacting': ({ sessionID }) => run('before-compact', sessionID),
  event: ({ event }) => (event.type === 'session.compacted' ? run('compact', event.properties.sessionID) : undefined),
})

/** Never fails: what goes wrong is in the hook's own log. */
async function run(event, session_id) {
  try {
    const named = process.env.OPENCODE_DB
    const database = named ? (isAbsolute(named) ? named : join(folder, named)) : join(folder, 'opencode.db')
    await runHook(commands[event], JSON.stringify({ database, session_id }))
  } catch {}
}

${runHookSource}`
}
