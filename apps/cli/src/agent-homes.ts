import { join } from 'node:path'

/** Where an agent keeps its own things: the variable that names the folder, and the folder in the user's home when it is unset or empty. */
interface AgentHome {
  readonly variable: string
  readonly fallback: string
}

const homes: Readonly<Record<string, AgentHome>> = {
  'claude-code': { variable: 'CLAUDE_CONFIG_DIR', fallback: '.claude' },
  pi: { variable: 'PI_CODING_AGENT_DIR', fallback: '.pi/agent' },
  openclaw: { variable: 'OPENCLAW_STATE_DIR', fallback: '.openclaw' },
  codex: { variable: 'CODEX_HOME', fallback: '.codex' },
  // OpenCode's folder is `opencode` in it.
  opencode: { variable: 'XDG_DATA_HOME', fallback: '.local/share' },
  // Gemini CLI's folder is `.gemini` in it.
  gemini: { variable: 'GEMINI_CLI_HOME', fallback: '' },
  copilot: { variable: 'COPILOT_HOME', fallback: '.copilot' },
}

/** The value of the agent's variable, or what stands for it when it is unset: an agent that scrubs the environment needs it written down. */
export function agentHome(agent: string, env: Readonly<Record<string, string | undefined>>, homeFolder: string): string {
  const { variable, fallback } = known(agent)
  const configured = env[variable] ?? ''
  return configured === '' ? join(homeFolder, fallback) : configured
}

/** The environment in which the agent's home is `home`. */
export function environmentOfHome(agent: string, home: string): Readonly<Record<string, string>> {
  return { [known(agent).variable]: home }
}

function known(agent: string): AgentHome {
  const home = homes[agent]
  if (home === undefined) throw new TypeError(`There is no home of ${agent}.`)
  return home
}
