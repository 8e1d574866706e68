import { z } from 'zod'
import { ToolProblem } from './tool-problem.ts'

/** A cursor: what the next page needs, opaque to the client, and refused when it isn't one that this tool gave. */
export interface CursorCodec<Value> {
  encode(value: Value): string
  /** Throws a `ToolProblem`. */
  decode(cursor: string): Value
}

/** The cursors of one tool; `version` changes with the schema. */
export function cursorCodec<Value>(toolName: string, version: number, schema: z.ZodType<Value>): CursorCodec<Value> {
  const envelope = z.object({ of: z.literal(toolName), version: z.literal(version), value: z.unknown() })
  return {
    encode: (value) => Buffer.from(JSON.stringify({ of: toolName, version, value })).toString('base64url'),
    decode: (cursor) => {
      const opened = envelope.safeParse(jsonIn(cursor))
      const parsed = schema.safeParse(opened.data?.value)
      if (parsed.success) return parsed.data
      throw new ToolProblem('ARGUMENT_INVALID', `cursor is not one that ${toolName} gave.`, [
        `copy next_cursor of the last answer whole, or leave cursor out to begin at the start.`,
      ])
    },
  }
}

/** Refuses arguments that say something else than the cursor they come with. */
export function agreeWithCursor(
  toolName: string,
  given: Readonly<Record<string, unknown>>,
  meant: Readonly<Record<string, unknown>>,
): void {
  const other = Object.keys(given).filter((name) => given[name] !== undefined && given[name] !== meant[name])
  if (other.length === 0) return
  throw new ToolProblem('ARGUMENT_INVALID', `cursor goes on with the call before it, and ${other.join(', ')} says something else.`, [
    `${toolName} with cursor alone goes on; without cursor it begins anew.`,
  ])
}

function jsonIn(cursor: string): unknown {
  try {
    return JSON.parse(Buffer.from(cursor, 'base64url').toString('utf8'))
  } catch {
    return undefined
  }
}
