import { z } from 'zod'
import { oneLine } from './plain-text.ts'
import { ToolProblem } from './tool-problem.ts'

/**
 * The arguments of a call, checked. Throws a `ToolProblem` that names every argument that is wrong and what is valid in its place, so that a
 * model gets it right the second time.
 */
export function parseArguments<Input extends z.ZodObject>(toolName: string, input: Input, args: unknown): z.output<Input> {
  const parsed = input.safeParse(args ?? {})
  if (parsed.success) return parsed.data
  const valid = validArguments(input)
  const complaints = parsed.error.issues.flatMap((issue) => complaintsOf(issue, valid))
  const takes = [...valid].map(([name, expected]) => `${name} (${expected})`).join(', ')
  throw new ToolProblem('ARGUMENT_INVALID', complaints.join(' '), [`${toolName} takes: ${takes}.`])
}

function complaintsOf(issue: z.core.$ZodIssue, valid: ReadonlyMap<string, string>): readonly string[] {
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `There is no argument "${oneLine(key, 60)}".`)
  const name = String(issue.path[0] ?? '')
  const expected = valid.get(name)
  if (expected === undefined) return ['The arguments must be one object.']
  return [`${name} must be ${expected}.`]
}

/** Each argument and, in words, what it may be. */
function validArguments(input: z.ZodObject): ReadonlyMap<string, string> {
  const { properties } = z.toJSONSchema(input, { io: 'input' })
  return new Map(Object.entries(properties ?? {}).map(([name, schema]) => [name, expectation(schema)]))
}

function expectation(schema: z.core.JSONSchema._JSONSchema): string {
  if (typeof schema === 'boolean') return 'anything'
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' or ')
  switch (schema.type) {
    case 'boolean':
      return 'true or false'
    case 'integer':
      return schema.maximum === undefined || schema.maximum >= Number.MAX_SAFE_INTEGER
        ? `a whole number from ${schema.minimum ?? 0}`
        : `a whole number from ${schema.minimum ?? 0} to ${schema.maximum}`
    default:
      if (schema.pattern !== undefined) return 'a name of lower-case letters, digits and hyphens'
      return schema.maxLength === undefined ? 'a string' : `a string of ${schema.minLength ?? 0} to ${schema.maxLength} characters`
  }
}
