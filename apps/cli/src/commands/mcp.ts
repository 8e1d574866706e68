import { flushCompileCache } from 'node:module'
import { resolve } from 'node:path'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { oneOf, refuseTogether } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'

const scopes = ['all', 'project', 'session'] as const

interface McpOptions {
  readonly scope?: (typeof scopes)[number]
  readonly allowRestore?: true
  readonly readOnly?: true
  readonly cwd?: string
  readonly sessionId?: string
}

/** `mcp`: serves the agent itself over standard input and output, until its client closes them. */
export const defineMcp: DefineCommand = (command, invocation) => {
  command
    .description('Runs the MCP server on standard input and output, so that an agent can look up what it has forgotten.')
    .option(
      '--scope <scope>',
      'what it may see: all, project (sessions of this folder) or session (default: all)',
      oneOf('--scope', scopes),
    )
    .option('--allow-restore', 'also offer to put sessions back in place')
    .option('--read-only', 'offer nothing that changes the store')
    .option('--cwd <folder>', 'the project of --scope project (default: CLAUDE_PROJECT_DIR, else the working directory)')
    .option('--session-id <id>', 'the session that calls (default: CLAUDE_CODE_SESSION_ID)')
    .action((options: McpOptions) => serve(invocation, options))
  addExamples(command, [
    ['palimpsest mcp', 'every session on this machine'],
    ['palimpsest mcp --scope project --read-only', 'this project alone, and only to read'],
    ['claude mcp add palimpsest -- palimpsest mcp', 'for Claude Code'],
  ])
}

/** Behind the first answers. */
const flushAfterMs = 2_000

async function serve(invocation: Invocation, options: McpOptions): Promise<void> {
  if (options.readOnly === true && options.allowRestore === true)
    refuseTogether('--read-only', ['--allow-restore'], 'a restore changes the store.')
  if (invocation.json) refuseTogether('mcp', ['--json'], 'standard output belongs to the protocol.')
  // Not by way of the package's index, which has the tools with it: a client is answered before they are loaded.
  const { runMcpServer } = await import('@palimpsest/mcp-server/run')
  const { signal, context } = invocation
  // Clients kill their servers: what was compiled would never be kept at the end.
  const flush = setTimeout(flushCompileCache, flushAfterMs).unref()
  await runMcpServer({
    // Opened at the first call, so that a client is answered at once and told what is wrong with a store.
    host: () => invocation.openHost(),
    scope: options.scope ?? 'all',
    allowRestore: options.allowRestore === true,
    readOnly: options.readOnly === true,
    cwd: resolve(context.cwd, options.cwd ?? '.'),
    // A folder that was named stands above the one that the client says in the environment.
    env: options.cwd === undefined ? context.env : { ...context.env, CLAUDE_PROJECT_DIR: undefined },
    stdin: context.stdin,
    stdout: context.stdout,
    signal,
    ...(options.sessionId === undefined ? {} : { sessionId: options.sessionId }),
  })
  clearTimeout(flush)
  signal.throwIfAborted()
}
