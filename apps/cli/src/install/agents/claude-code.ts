import { join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { shellQuote } from '../../shell-quote.ts'
import type { InstalledFile } from '../installed-file.ts'
import { hookLine, type InstallContext, type Installer, mcpServer } from '../installer.ts'
import type { JsonValue } from '../json-entries.ts'
import { readJsonSettings } from '../read-settings.ts'

const agent = 'claude-code'
const events = ['PreCompact', 'PostCompact', 'SessionStart', 'SessionEnd'] as const
/** More than the 50 s after which a hook ends by itself. */
const timeoutSeconds = 60

/**
 * Claude Code 2.1: hooks in `settings.json` of its folder; MCP servers of a user in `.claude.json`, which lies in that folder only where
 * `CLAUDE_CONFIG_DIR` names it, else in the home folder.
 */
export const claudeCodeInstaller: Installer = {
  agent,
  folder: (context) => agentHome(agent, context.env, context.homeFolder),
  program: { name: 'claude', packages: ['@anthropic-ai/claude-code'], tested: ['2.1.197', '2.1.330'] },
  files: (context) => [
    {
      kind: 'json',
      path: join(agentHome(agent, context.env, context.homeFolder), 'settings.json'),
      entries: events.map((event) => ({ at: ['hooks', event], value: hookGroup(context, event) })),
    },
    {
      kind: 'json',
      path: join(context.env['CLAUDE_CONFIG_DIR'] || context.homeFolder, '.claude.json'),
      entries: [{ at: ['mcpServers'], name: 'palimpsest', value: { type: 'stdio', ...mcpServer(context, agent) } }],
    },
  ],
  obstacles: async (context) => {
    const settings = join(agentHome(agent, context.env, context.homeFolder), 'settings.json')
    if ((await readJsonSettings(settings))['disableAllHooks'] !== true) return []
    return [
      {
        check: 'hooks',
        message: `disableAllHooks is true in ${settings}: no hook runs; take it out.`,
        mend: shellQuote(['claude', '/config']),
      },
    ]
  },
  notes: () => ['Sessions of Claude Code that are running take the hooks up when they are started anew.'],
}

/** The same as a plugin in a folder of its own, for `claude --plugin-dir` or a marketplace: hooks, MCP server, description and licence. */
export function claudeCodePlugin(context: InstallContext, folder: string, about: { version: string }): readonly InstalledFile[] {
  const json = (name: string, value: JsonValue): InstalledFile => ({
    kind: 'whole',
    path: join(folder, name),
    text: `${JSON.stringify(value, undefined, 2)}\n`,
  })
  const hooks = Object.fromEntries(events.map((event) => [event, [hookGroup(context, event)]]))
  return [
    json('.claude-plugin/plugin.json', {
      name: 'palimpsest',
      version: about.version,
      description: 'Keeps the exact transcript of a session as it was before every compaction, and gives it back.',
      author: { name: 'Palimpsest' },
      license: 'MIT',
      keywords: ['compaction', 'transcript', 'checkpoint', 'memory'],
    }),
    json('hooks/hooks.json', { description: 'Keeps the transcript before a compaction.', hooks }),
    json('.mcp.json', { mcpServers: { palimpsest: { type: 'stdio', ...mcpServer(context, agent) } } }),
    { kind: 'whole', path: join(folder, 'README.md'), text: readme },
    { kind: 'whole', path: join(folder, 'LICENSE'), text: license },
  ]
}

function hookGroup(context: InstallContext, event: string): JsonValue {
  return { hooks: [{ type: 'command', command: hookLine(context, agent, event), timeout: timeoutSeconds }] }
}

const readme = `# Palimpsest for Claude Code

When the context of a session is full, Claude Code replaces the older part of it by a summary. This plugin keeps the exact transcript as it was before
every compaction, in a store of your own on this machine, and gives it back. Use it with \`claude --plugin-dir FOLDER\`.

* Hooks capture before a compaction, complete the checkpoint after it, and tell the agent which checkpoint holds what it has forgotten.
* The MCP server lets the agent list and read checkpoints of the project.

\`palimpsest list\` shows the checkpoints, \`palimpsest branch latest\` goes on from before the last compaction in a new session. The commands in
\`hooks/hooks.json\` and \`.mcp.json\` hold absolute paths of this machine: write the folder anew with \`palimpsest install claude-code --plugin FOLDER\` after an
update, and remove it with \`palimpsest uninstall claude-code --plugin FOLDER\`.
`

const license = `MIT License

Copyright (c) 2026 The Palimpsest authors

Permission is hereby granted, free of charge, to any person obtaining a copy
of this software and associated documentation files (the "Software"), to deal
in the Software without restriction, including without limitation the rights
to use, copy, modify, merge, publish, distribute, sublicense, and/or sell
copies of the Software, and to permit persons to whom the Software is
furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all
copies or substantial portions of the Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR
IMPLIED, INCLUDING BUT NOT LIMITED TO THE WARRANTIES OF MERCHANTABILITY,
FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE
AUTHORS OR COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER
LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR OTHERWISE, ARISING FROM,
OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE
SOFTWARE.
`
