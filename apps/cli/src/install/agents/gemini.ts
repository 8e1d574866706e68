import { join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { hookLine, type InstallContext, type Installer, mcpServer, type Obstacle } from '../installer.ts'
import { isRecord, readJsonSettings } from '../read-settings.ts'

const agent = 'gemini'
const events = ['PreCompress', 'SessionEnd'] as const
const timeoutMs = 60_000

/** Gemini CLI 0.61: hooks and MCP server in `settings.json`. */
export const geminiInstaller: Installer = {
  agent,
  folder: folderOf,
  program: { name: 'gemini', packages: ['@google/gemini-cli'], tested: ['0.61.0'] },
  files: (context) => [
    {
      kind: 'json',
      path: join(folderOf(context), 'settings.json'),
      entries: [
        ...events.map((event) => ({
          at: ['hooks', event],
          value: { hooks: [{ type: 'command', name: 'palimpsest', command: hookLine(context, agent, event), timeout: timeoutMs }] },
        })),
        { at: ['mcpServers'], name: 'palimpsest', value: { ...mcpServer(context, agent) } },
      ],
    },
  ],
  obstacles: async (context) => lossOf(join(folderOf(context), 'settings.json')),
  notes: () => [
    'Gemini CLI deletes sessions that were resumed; "general": {"sessionRetention": {"enabled": false}} in its settings.json keeps it from that.',
  ],
}

function folderOf({ env, homeFolder }: InstallContext): string {
  return join(agentHome(agent, env, homeFolder), '.gemini')
}

async function lossOf(path: string): Promise<readonly Obstacle[]> {
  const { general } = await readJsonSettings(path)
  const retention = isRecord(general) ? general['sessionRetention'] : undefined
  if (isRecord(retention) && retention['enabled'] === false) return []
  const message = `Gemini CLI deletes sessions that were resumed, unless general.sessionRetention.enabled is false in ${path}; what was captured is kept.`
  return [{ check: 'deletion', message, mend: 'palimpsest scan --agent gemini' }]
}
