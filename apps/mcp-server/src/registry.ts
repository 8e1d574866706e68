import type { IndexingProgress } from '@palimpsest/core'
import { z } from 'zod'
import { parseArguments } from './arguments.ts'
import { problemText } from './tool-problem.ts'

/** What a client may know of a tool before it calls it; the words of the protocol. */
export interface ToolAnnotations {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/** The session that calls, where the client says which one it is. */
export interface CallingSession {
  readonly id: string
  readonly agent?: string | undefined
}

/** What is known of one call. */
export interface ToolContext {
  readonly signal: AbortSignal
  readonly callingSession?: CallingSession | undefined
  /** Told how far a long call has come; absent where the client didn't ask. */
  readonly onProgress?: ((progress: IndexingProgress) => void) | undefined
}

/** What a handler gives: the same answer twice, since some clients show a model only the one and some only the other. */
export interface ToolAnswer {
  readonly text: string
  readonly structured: Readonly<Record<string, unknown>>
}

/** The outcome of a call. An error is all in the text. */
export type ToolResult = ({ readonly isError: false } & ToolAnswer) | { readonly isError: true; readonly text: string }

/** A tool as its author writes it. */
export interface ToolDefinition<Input extends z.ZodObject> {
  readonly name: string
  readonly title: string
  readonly description: string
  /** A strict object: an argument that isn't in it is an error, never ignored. */
  readonly input: Input
  readonly output?: z.ZodObject | undefined
  readonly annotations: ToolAnnotations
  readonly handler: (args: z.output<Input>, context: ToolContext) => Promise<ToolAnswer>
}

/** A tool of any input, ready to be called. */
export interface Tool extends Omit<ToolDefinition<z.ZodObject>, 'handler'> {
  /** Checks the arguments, then runs the handler. Throws what either throws. */
  readonly call: (args: unknown, context: ToolContext) => Promise<ToolAnswer>
}

/** How a client sees a tool. */
export interface ToolListing {
  readonly name: string
  readonly title: string
  readonly description: string
  readonly inputSchema: Readonly<Record<string, unknown>>
  readonly outputSchema?: Readonly<Record<string, unknown>>
  readonly annotations: ToolAnnotations
}

/** The tools of a server. Knows no SDK: an adapter carries it to one. */
export interface ToolRegistry {
  readonly names: readonly string[]
  readonly tools: readonly Tool[]
  /** In a fixed order, with JSON Schema (2020-12). */
  list(): readonly ToolListing[]
  /**
   * Calls a tool. Every failure is an `isError` result that says what to do next, and one that nobody foresaw says nothing of what it was about
   * and goes to `log`. `undefined` when there is no such tool. Rejects only with the reason of `context.signal`.
   */
  call(name: string, args: unknown, context: ToolContext): Promise<ToolResult | undefined>
}

/** Ties a handler to its schema. */
export function defineTool<Input extends z.ZodObject>(definition: ToolDefinition<Input>): Tool {
  const { handler, ...rest } = definition
  return {
    ...rest,
    call: async (args, context) => handler(parseArguments(definition.name, definition.input, args), context),
  }
}

/** A registry of `tools`. `log` gets what was not foreseen, for a person who looks into it. */
export function registryOf(tools: readonly Tool[], log: (message: string) => void): ToolRegistry {
  const byName = new Map(tools.map((tool) => [tool.name, tool]))
  return {
    names: tools.map((tool) => tool.name),
    tools,
    list: () => tools.map(listing),
    call: async (name, args, context) => {
      const tool = byName.get(name)
      if (tool === undefined) return undefined
      try {
        return { isError: false, ...(await tool.call(args, context)) }
      } catch (error) {
        if (context.signal.aborted) throw context.signal.reason
        return { isError: true, text: problemText(error, log) }
      }
    },
  }
}

function listing(tool: Tool): ToolListing {
  const { name, title, description, annotations } = tool
  const shown = { name, title, description, inputSchema: jsonSchema(tool.input, 'input'), annotations }
  return tool.output === undefined ? shown : { ...shown, outputSchema: jsonSchema(tool.output, 'output') }
}

function jsonSchema(schema: z.ZodObject, io: 'input' | 'output'): Readonly<Record<string, unknown>> {
  const { $schema: _dialect, ...rest } = z.toJSONSchema(schema, { io })
  return rest
}
