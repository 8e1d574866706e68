import type { Checkpoints } from '@palimpsest/core'
import { expect } from 'vitest'
import type { CallingSession, ToolAnswer, ToolRegistry } from '../src/registry.ts'
import { createToolRegistry, type ToolRegistryOptions } from '../src/tools.ts'

/** A registry over `checkpoints` that may read and branch in everything, unless `options` say otherwise. */
export function registryFor(checkpoints: Checkpoints, options: Partial<ToolRegistryOptions> = {}): ToolRegistry {
  return createToolRegistry({
    checkpoints: async () => checkpoints,
    scope: 'all',
    projectFolder: '/home/dev/project',
    allowRestore: false,
    readOnly: false,
    ...options,
  })
}

/** The answer of a call that must succeed. */
export async function answerOf(registry: ToolRegistry, name: string, args: unknown = {}, caller?: CallingSession): Promise<ToolAnswer> {
  const result = await registry.call(name, args, { signal: new AbortController().signal, callingSession: caller })
  if (result === undefined || result.isError) return expect.fail(`${name} failed: ${result?.text ?? 'no such tool'}`)
  return result
}

/** The text of a call that must fail. */
export async function errorOf(registry: ToolRegistry, name: string, args: unknown, caller?: CallingSession): Promise<string> {
  const result = await registry.call(name, args, { signal: new AbortController().signal, callingSession: caller })
  if (result?.isError !== true) return expect.fail(`${name} did not fail: ${result?.text ?? 'no such tool'}`)
  return result.text
}

/** The row ids of a list. */
export function idsIn(answer: ToolAnswer): string[] {
  const { checkpoints } = answer.structured
  return Array.isArray(checkpoints) ? checkpoints.map((row: { id: string }) => row.id) : []
}

/** A string field of an answer. */
export function field(answer: ToolAnswer, name: string): string {
  const value = answer.structured[name]
  return typeof value === 'string' ? value : expect.fail(`${name} is ${typeof value}`)
}
