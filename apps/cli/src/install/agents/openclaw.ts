import { join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { hookWords, type InstallContext, type Installer } from '../installer.ts'
import type { JsonValue } from '../json-entries.ts'
import { runHookSource } from './run-hook-source.ts'

const agent = 'openclaw'

/** OpenClaw 2026: a plugin in `extensions/` of its folder. Its own settings are JSON5, which is not edited. */
export const openClawInstaller: Installer = {
  agent,
  folder: folderOf,
  program: { name: 'openclaw', packages: ['openclaw'], tested: [] },
  files: (context) => {
    const path = (name: string): string => join(folderOf(context), 'extensions', 'palimpsest', name)
    const json = (name: string, value: JsonValue) => ({
      kind: 'whole' as const,
      path: path(name),
      text: `${JSON.stringify(value, undefined, 2)}\n`,
    })
    return [
      json('openclaw.plugin.json', {
        id: 'palimpsest',
        name: 'Palimpsest',
        description: 'Keeps the exact transcript of a session as it was before every compaction.',
        // Without it a later gateway may not load the plugin at its start.
        activation: { onStartup: true },
        configSchema: { type: 'object', additionalProperties: false, properties: {} },
      }),
      json('package.json', {
        name: 'palimpsest-openclaw',
        version: '0.1.0',
        private: true,
        type: 'module',
        openclaw: { extensions: ['./index.js'] },
      }),
      { kind: 'whole', path: path('index.js'), text: pluginSource(context) },
    ]
  },
  notes: () => ['OpenClaw asks for plugins to be allowed: openclaw plugins enable palimpsest, then start the gateway anew.'],
}

function folderOf({ env, homeFolder }: InstallContext): string {
  return agentHome(agent, env, homeFolder)
}

function pluginSource(context: InstallContext): string {
  const commands = Object.fromEntries(['before-compact', 'compact'].map((event) => [event, hookWords(context, agent, event)]))
  return `// Written by "palimpsest install"; "palimpsest uninstall" takes it away. It keeps the session as it is before a compaction.
import { spawn } from 'node:child_process'

const commands = ${JSON.stringify(commands, undefined, 2)}

export default {
  id: 'palimpsest',
  name: 'Palimpsest',
  register(api) {
    api.on('before_compaction', ({ sessionFile, tokenCount }) => run('before-compact', sessionFile, { tokens_before: tokenCount }))
    api.on('after_compaction', ({ sessionFile }) => run('compact', sessionFile))
  },
}

/** Never fails: what goes wrong is in the hook's own log. */
async function run(event, session_file, facts = {}) {
  try {
    if (session_file) await runHook(commands[event], JSON.stringify({ session_file, ...facts }))
  } catch {}
}

${runHookSource}`
}
