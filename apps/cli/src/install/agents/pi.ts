import { join } from 'node:path'
import { agentHome } from '../../agent-homes.ts'
import { hookWords, type InstallContext, type Installer, mcpServer } from '../installer.ts'
import { piExtension } from './pi-extension.ts'

const agent = 'pi'

/** pi: an extension in `extensions/` of its folder, which it loads by itself; MCP servers in `mcp.json`, which versions before 0.99 pass over. */
export const piInstaller: Installer = {
  agent,
  folder: (context) => agentHome(agent, context.env, context.homeFolder),
  program: { name: 'pi', packages: ['@mariozechner/pi-coding-agent', '@earendil-works/pi-coding-agent'], tested: ['0.73.1'] },
  files: (context) => {
    const folder = agentHome(agent, context.env, context.homeFolder)
    return [
      { kind: 'whole', path: join(folder, 'extensions', 'palimpsest.js'), text: piExtension(eventWords(context)) },
      {
        kind: 'json',
        path: join(folder, 'mcp.json'),
        // Else the tools would be shown to programs alone, not to the model.
        entries: [{ at: ['mcpServers'], name: 'palimpsest', value: { ...mcpServer(context, agent), exposure: 'direct' } }],
      },
    ]
  },
  notes: () => ['pi before 0.99 has no MCP: there the extension captures, and the agent has no tools of palimpsest.'],
}

function eventWords(context: InstallContext): (event: string) => readonly string[] {
  return (event) => hookWords(context, agent, event)
}
