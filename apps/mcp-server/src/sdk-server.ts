import { setImmediate } from 'node:timers/promises'
import { Server } from '@modelcontextprotocol/sdk/server/index.js'
import {
  CallToolRequestSchema,
  type CallToolResult,
  ErrorCode,
  ListToolsRequestSchema,
  McpError,
  type ServerNotification,
} from '@modelcontextprotocol/sdk/types.js'
import { oneLine } from './plain-text.ts'
import type { CallingSession, ToolContext, ToolRegistry, ToolResult } from './registry.ts'

/** How the registry is carried to the SDK. */
export interface SdkServerOptions {
  /** Asked for at the first need of it: a client is answered before the tools are made. */
  readonly registry: () => Promise<ToolRegistry>
  readonly name: string
  readonly version: string
  readonly instructions: string
  /** The session of the process, for clients that don't say at each call which one it is. */
  readonly callingSession?: CallingSession | undefined
}

/** A server of the SDK's first generation, and what it is busy with. */
export interface SdkServer {
  readonly server: Server
  /** Resolves when every call that has come so far was answered. */
  idle(): Promise<void>
}

/**
 * Carries a registry to `@modelcontextprotocol/sdk`. The low-level server is used on purpose: the registry checks the arguments itself, and says
 * of each wrong one what is valid. Methods that are not served, such as `server/discover`, are answered -32601 by the SDK.
 */
export function createSdkServer({ registry, name, version, instructions, callingSession }: SdkServerOptions): SdkServer {
  const server = new Server({ name, title: 'Palimpsest', version }, { capabilities: { tools: {} }, instructions })
  const running = new Set<Promise<unknown>>()
  server.setRequestHandler(ListToolsRequestSchema, async () => ({ tools: (await registry()).list().map(wireTool) }))
  server.setRequestHandler(CallToolRequestSchema, async ({ params }, extra) => {
    const onProgress = progressTo(params._meta?.progressToken, extra.sendNotification)
    const context = { signal: extra.signal, callingSession: sessionInMeta(params._meta) ?? callingSession, onProgress }
    const call = registry().then((tools) => tools.call(params.name, params.arguments, context))
    const settled = call.catch(() => undefined)
    running.add(settled)
    void settled.then(() => running.delete(settled))
    const result = await call
    if (result !== undefined) return wireResult(result)
    throw new McpError(
      ErrorCode.InvalidParams,
      `There is no tool "${oneLine(params.name, 60)}". The tools are: ${(await registry()).names.join(', ')}.`,
    )
  })
  return {
    server,
    idle: async () => {
      // The SDK begins a call some microtasks after its line was read.
      await setImmediate()
      while (running.size > 0) await Promise.all(running)
    },
  }
}

const progressEveryMs = 250

/** Sends progress to a client that gave a token for it, a few times a second at most. A client that is gone by then needs none. */
function progressTo(
  progressToken: string | number | undefined,
  send: (notification: ServerNotification) => Promise<void>,
): ToolContext['onProgress'] {
  if (progressToken === undefined) return undefined
  let sentAt = Number.NEGATIVE_INFINITY
  let told = -1
  return ({ done, total, session }) => {
    const progress = done + (session === undefined ? 0 : Math.min(0.99, session.doneBytes / Math.max(1, session.totalBytes)))
    // It must go up from one to the next, and sessions may take turns.
    if (progress <= told || performance.now() - sentAt < progressEveryMs) return
    sentAt = performance.now()
    told = progress
    send({ method: 'notifications/progress', params: { progressToken, progress, total } }).catch(() => undefined)
  }
}

/** The session that a client names with the call: Codex sends its thread's id. */
function sessionInMeta(meta: Readonly<Record<string, unknown>> | undefined): CallingSession | undefined {
  const threadId = meta?.['threadId']
  return typeof threadId === 'string' && threadId !== '' ? { id: threadId, agent: 'codex' } : undefined
}

function wireTool(listing: ReturnType<ToolRegistry['list']>[number]) {
  const { inputSchema, outputSchema, annotations, ...rest } = listing
  const tool = { ...rest, inputSchema: { ...inputSchema, type: 'object' as const }, annotations: { ...annotations } }
  return outputSchema === undefined ? tool : { ...tool, outputSchema: { ...outputSchema, type: 'object' as const } }
}

function wireResult(result: ToolResult): CallToolResult {
  const content = [{ type: 'text' as const, text: result.text }]
  return result.isError ? { content, isError: true } : { content, structuredContent: { ...result.structured } }
}
