import { resolve } from 'node:path'
import type { Readable, Writable } from 'node:stream'
import { setTimeout as delay, setImmediate } from 'node:timers/promises'
import type { Host } from '@palimpsest/host'
import type { CallingSession, ToolRegistry } from './registry.ts'
import type { ScopeName } from './scope.ts'

/** What the server needs of a host. */
export type CheckpointHost = Pick<Host, 'checkpoints' | 'close'>

/** How the server runs. */
export interface McpServerOptions {
  /** An open host, which its owner closes; or how to open one, which happens at the first call, and it is closed at the end. */
  readonly host: CheckpointHost | (() => Promise<CheckpointHost>)
  /** What a client may see. */
  readonly scope: ScopeName
  /** Whether a session may be put back in its own file. */
  readonly allowRestore: boolean
  /** Leaves every tool out that writes. */
  readonly readOnly: boolean
  /** The project folder, where the environment names none (`CLAUDE_PROJECT_DIR`). By default the working directory. */
  readonly cwd?: string | undefined
  /** The session that calls, where the client doesn't say it at each call, as Codex does; else `CLAUDE_CODE_SESSION_ID` of the environment. */
  readonly sessionId?: string | undefined
  /** Carries the protocol. By default the process's own. */
  readonly stdin?: Readable | undefined
  /** Carries the protocol, and nothing else. By default the process's own. */
  readonly stdout?: Writable | undefined
  /** Ends the server as the end of `stdin` does, without waiting for calls that are still running. */
  readonly signal?: AbortSignal | undefined
  /** By default `process.env`. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined
  /** By default a line on standard error. */
  readonly log?: ((message: string) => void) | undefined
}

/** The version that the server says it has: that of its package. */
export const mcpServerVersion = '0.1.0'

const longestDrainMs = 10_000

/**
 * Serves MCP on standard input and output. Resolves when `stdin` ends and the calls that had come by then are answered (for at most 10 s), or
 * when `signal` is aborted. The client is answered before the host is opened; a host that can't be opened is an error of each call.
 */
export async function runMcpServer(options: McpServerOptions): Promise<void> {
  const { scope, allowRestore, readOnly, env = process.env, stdin = process.stdin, stdout = process.stdout } = options
  const log = options.log ?? ((message: string) => void process.stderr.write(`palimpsest mcp: ${message}\n`))
  const ended = endOf(stdin, stdout, options.signal)
  const [{ createSdkServer }, { instructionsFor }, { StdioServerTransport }] = await Promise.all([
    import('./sdk-server.ts'),
    import('./instructions.ts'),
    import('@modelcontextprotocol/sdk/server/stdio.js'),
  ])
  const host = hostOnce(options.host)
  const toolOptions = {
    checkpoints: async () => (await host.open()).checkpoints,
    scope,
    projectFolder: resolve(env['CLAUDE_PROJECT_DIR'] || (options.cwd ?? process.cwd())),
    allowRestore,
    readOnly,
    log,
  }
  let tools: Promise<ToolRegistry> | undefined
  const registry = (): Promise<ToolRegistry> => {
    tools ??= import('./tools.ts').then(({ createToolRegistry }) => createToolRegistry(toolOptions))
    return tools
  }
  const { server, idle } = createSdkServer({
    registry,
    name: 'palimpsest',
    version: mcpServerVersion,
    instructions: instructionsFor({ readOnly }),
    callingSession: callingSession(options.sessionId, env),
  })
  server.onerror = (error) => log(error.message)
  // Ready when the client asks for them.
  server.oninitialized = () => void registry().catch((error: unknown) => log(String(error)))
  await server.connect(new StdioServerTransport(stdin, stdout))
  if ((await ended) === 'input-ended') {
    await Promise.race([idle(), delay(longestDrainMs, undefined, { ref: false })])
    await flushed(stdout)
  }
  await server.close()
  await host.close()
}

function callingSession(sessionId: string | undefined, env: Readonly<Record<string, string | undefined>>): CallingSession | undefined {
  if (sessionId !== undefined && sessionId !== '') return { id: sessionId }
  const claudeSessionId = env['CLAUDE_CODE_SESSION_ID']
  return claudeSessionId === undefined || claudeSessionId === '' ? undefined : { id: claudeSessionId, agent: 'claude-code' }
}

/** Why a server stops. */
function endOf(stdin: Readable, stdout: Writable, signal: AbortSignal | undefined): Promise<'input-ended' | 'stopped'> {
  return new Promise((resolveEnd) => {
    const stop = () => resolveEnd('stopped')
    stdin.once('end', () => resolveEnd('input-ended'))
    stdin.once('close', () => resolveEnd('input-ended'))
    // A client that went away without closing its end: nobody is there to be answered.
    stdout.on('error', stop)
    if (signal?.aborted === true) stop()
    signal?.addEventListener('abort', stop, { once: true })
  })
}

/** Opens the host once, at the first call; a failure is not kept, so that the next call tries again. */
function hostOnce(host: McpServerOptions['host']): { open(): Promise<CheckpointHost>; close(): Promise<void> } {
  if (typeof host !== 'function') return { open: async () => host, close: async () => undefined }
  let opening: Promise<CheckpointHost> | undefined
  return {
    open: async () => {
      opening ??= host()
      try {
        return await opening
      } catch (error) {
        opening = undefined
        throw error
      }
    },
    close: async () => {
      const opened = await opening?.catch(() => undefined)
      await opened?.close()
    },
  }
}

/** Resolves when what was answered has left. */
async function flushed(stdout: Writable): Promise<void> {
  // An answer is written some microtasks after its call is settled.
  await setImmediate()
  await new Promise<void>((resolveFlush) => {
    stdout.write('', () => resolveFlush())
  })
}
