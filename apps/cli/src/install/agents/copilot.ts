import { join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { hookLine, type InstallContext, type Installer, mcpServer } from '../installer.ts'

const agent = 'copilot'
const timeoutSeconds = 60

/** Copilot CLI 1.0: a file of hooks of our own in `hooks/`, and MCP servers in `mcp-config.json`. */
export const copilotInstaller: Installer = {
  agent,
  folder: folderOf,
  program: { name: 'copilot', packages: ['@github/copilot'], tested: ['1.0.102'] },
  files: (context) => {
    const hook = (event: string) => [{ type: 'command', bash: hookLine(context, agent, event), timeoutSec: timeoutSeconds }]
    const hooks = {
      version: 1,
      hooks: { preCompact: hook('preCompact'), sessionStart: hook('sessionStart'), sessionEnd: hook('sessionEnd') },
    }
    return [
      { kind: 'whole', path: join(folderOf(context), 'hooks', 'palimpsest.json'), text: `${JSON.stringify(hooks, undefined, 2)}\n` },
      {
        kind: 'json',
        path: join(folderOf(context), 'mcp-config.json'),
        entries: [{ at: ['mcpServers'], name: 'palimpsest', value: { type: 'local', ...mcpServer(context, agent), tools: ['*'] } }],
      },
    ]
  },
  notes: () => [],
}

function folderOf({ env, homeFolder }: InstallContext): string {
  return agentHome(agent, env, homeFolder)
}
