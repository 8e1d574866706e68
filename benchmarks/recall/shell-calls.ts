/** A shell call that says what it is for. */
export interface ShellCall {
  readonly command: string
  readonly description?: string | undefined
}

const maxDepth = 24

/** A JSON value without the descriptions of the shell calls in it, and the calls. What has none is the same value. */
export interface WithoutDescriptions {
  readonly value: unknown
  readonly calls: readonly ShellCall[]
}

/**
 * Takes the description out of every shell call in a record: of each object with a `command`, as Claude Code's, OpenCode's, Gemini's and Copilot's have it;
 * Codex's calls have their arguments as JSON in a string, and no description. Where Claude Code repeats it when a call in the background ends, it is taken out too.
 */
export function withoutDescriptions(value: unknown): WithoutDescriptions {
  const calls: ShellCall[] = []
  return { value: taken(value, calls, 0), calls }
}

/** Claude Code repeats the description when a call in the background ends. */
const repeatedDescription = /Background command "[^"\n]*"/g

function taken(value: unknown, calls: ShellCall[], depth: number): unknown {
  if (typeof value === 'string') return value.replace(repeatedDescription, 'Background command')
  if (typeof value !== 'object' || value === null || depth > maxDepth) return value
  if (Array.isArray(value)) return value.map((item) => taken(item, calls, depth + 1))
  const fields = Object.entries(value)
  const command = commandOf(value)
  const description = fields.find(([name]) => name === 'description')?.[1]
  if (command !== undefined) calls.push({ command, ...(typeof description === 'string' ? { description } : {}) })
  const left = command !== undefined && typeof description === 'string' ? fields.filter(([name]) => name !== 'description') : fields
  return Object.fromEntries(
    left.map(([name, field]) => {
      // Codex: the arguments of a call are JSON in a string.
      if (name === 'arguments' && typeof field === 'string') taken(jsonOf(field), calls, depth + 1)
      return [name, taken(field, calls, depth + 1)]
    }),
  )
}

function commandOf(value: object): string | undefined {
  const command = 'command' in value ? value.command : 'cmd' in value ? value.cmd : undefined
  if (typeof command === 'string') return command
  // Codex: ["bash", "-lc", "…"].
  if (!Array.isArray(command) || !command.every((word) => typeof word === 'string')) return undefined
  const [, flag = '', script] = command
  return command.length === 3 && /^-l?c$/.test(flag) ? script : command.join(' ')
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
