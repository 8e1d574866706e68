import { agentHome, environmentOfHome } from '../agent-homes.ts'
import { shellQuote } from '../shell-quote.ts'
import type { InstalledFile } from './installed-file.ts'

/** What an installer writes commands from: everything absolute, since agents scrub the environment. */
export interface InstallContext {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeFolder: string
  /** The absolute path of Node. */
  readonly node: string
  readonly hookScript: string
  readonly commandScript: string
  /** The store's absolute URL. */
  readonly storeUrl: string
}

/** Something in an agent's own settings that stands in the way. */
export interface Obstacle {
  readonly check: 'trust' | 'hooks' | 'deletion'
  readonly message: string
  /** The command that mends it, or begins to. */
  readonly mend: string
}

/** How palimpsest is installed into one agent: which of its files say what. Another agent is another one of these, in a file of its own. */
export interface Installer {
  readonly agent: string
  /** The agent's own folder; where it is missing, the agent isn't on this machine. */
  readonly folder: (context: InstallContext) => string
  /** Its program, the packages that it comes in, and the versions that were tried, oldest first. */
  readonly program: { readonly name: string; readonly packages: readonly string[]; readonly tested: readonly string[] }
  readonly files: (context: InstallContext) => readonly InstalledFile[]
  /** What of the agent's own settings keeps an installation from working, or loses sessions. Reads; never throws. */
  readonly obstacles?: (context: InstallContext) => Promise<readonly Obstacle[]>
  /** What the user has to do or to know beyond that; sentences. */
  readonly notes: (context: InstallContext) => readonly string[]
}

/** The words with which a hook of an agent is run, the event as its last but those of the options. */
export function hookWords(context: InstallContext, agent: string, event: string): readonly string[] {
  const home = agentHome(agent, context.env, context.homeFolder)
  return [context.node, context.hookScript, agent, event, '--store', context.storeUrl, '--home', home]
}

/** The same as one line for a shell. */
export function hookLine(context: InstallContext, agent: string, event: string): string {
  return shellQuote(hookWords(context, agent, event))
}

/** How the MCP server is started for an agent. */
export function mcpServer(
  context: InstallContext,
  agent: string,
): { command: string; args: readonly string[]; env: Readonly<Record<string, string>> } {
  return {
    command: context.node,
    args: [context.commandScript, 'mcp', '--scope', 'project', '--store', context.storeUrl],
    env: environmentOfHome(agent, agentHome(agent, context.env, context.homeFolder)),
  }
}
