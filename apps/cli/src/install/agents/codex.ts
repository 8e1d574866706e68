import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { parse } from 'smol-toml'
import { agentHome } from '../../agent-homes.ts'
import { hookLine, type InstallContext, type Installer, mcpServer, type Obstacle } from '../installer.ts'
import { isRecord } from '../read-settings.ts'

const agent = 'codex'
const events = ['PreCompact', 'PostCompact', 'SessionStart', 'SessionEnd'] as const
const timeoutSeconds = 60

/** Codex 0.145 and later: hooks and an MCP server in `config.toml`. Hooks are passed over in silence until the user trusts them. */
export const codexInstaller: Installer = {
  agent,
  folder: folderOf,
  program: { name: 'codex', packages: ['@openai/codex'], tested: ['0.145.0', '0.169.0'] },
  files: (context) => [{ kind: 'toml', path: configOf(context), body: bodyFor(context) }],
  obstacles: async (context) => untrusted(configOf(context)),
  notes: () => ['Codex passes hooks over until you trust them: start codex, type /hooks, and trust those of palimpsest.'],
}

function folderOf({ env, homeFolder }: InstallContext): string {
  return agentHome(agent, env, homeFolder)
}

function configOf(context: InstallContext): string {
  return join(folderOf(context), 'config.toml')
}

function bodyFor(context: InstallContext): string {
  const { command, args, env } = mcpServer(context, agent)
  const hooks = events.map((event) =>
    [
      `[[hooks.${event}]]`,
      `[[hooks.${event}.hooks]]`,
      'type = "command"',
      `command = ${JSON.stringify(hookLine(context, agent, event))}`,
      `timeout = ${timeoutSeconds}`,
      '',
    ].join('\n'),
  )
  const variables = Object.entries(env).map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
  const server = [
    '[mcp_servers.palimpsest]',
    `command = ${JSON.stringify(command)}`,
    `args = [${args.map((word) => JSON.stringify(word)).join(', ')}]`,
  ]
  return `${[...hooks, ...server, `env = { ${variables.join(', ')} }`].join('\n')}\n`
}

/** Whether `hooks.state` has a digest for each of our hooks; which digest is Codex's affair. */
async function untrusted(path: string): Promise<readonly Obstacle[]> {
  try {
    const { hooks } = parse(await readFile(path, 'utf8'))
    if (!isRecord(hooks)) return []
    const state = isRecord(hooks['state']) ? hooks['state'] : {}
    const waiting = events.filter((event) => {
      const groups = hooks[event]
      const index = Array.isArray(groups) ? groups.findIndex((group) => JSON.stringify(group).includes('palimpsest-hook.cjs')) : -1
      const key = `${path}:${event.replace(/(?<=.)([A-Z])/g, '_$1').toLowerCase()}:${index}:0`
      const entry = state[key]
      return index !== -1 && (!isRecord(entry) || typeof entry['trusted_hash'] !== 'string')
    })
    if (waiting.length === 0) return []
    const message = `Codex passes over the hooks ${waiting.join(', ')} of palimpsest, since they are not trusted; type /hooks in it.`
    return [{ check: 'trust', message, mend: 'codex' }]
  } catch {
    return []
  }
}
