import { describe, expect, test } from 'vitest'
import manifest from '../package.json' with { type: 'json' }
import { instructionsFor } from '../src/instructions.ts'
import { mcpServerVersion } from '../src/run-mcp-server.ts'
import { fakeCheckpoints } from './fake-checkpoints.ts'
import { errorOf, registryFor } from './tool-calls.ts'

const { checkpoints } = fakeCheckpoints([])

describe('what a client is told of the tools', () => {
  test('their names, schemas and annotations are those that were reviewed', () => {
    expect(registryFor(checkpoints).list()).toMatchSnapshot()
  })

  test('every description is shorter than 1,000 characters, and all of them together cost less than 2,500 tokens', () => {
    const listing = registryFor(checkpoints).list()
    for (const tool of listing) expect(tool.description.length).toBeLessThan(1000)
    const shownToModels = listing.map(({ name, description, inputSchema }) => ({ name, description, inputSchema }))
    expect(JSON.stringify(shownToModels).length / 4).toBeLessThan(2500)
  })

  test('every input schema is strict and every argument has a description', () => {
    for (const { name, inputSchema } of registryFor(checkpoints).list()) {
      expect(inputSchema['additionalProperties'], name).toBe(false)
      for (const [argument, schema] of Object.entries(inputSchema['properties'] ?? {})) {
        expect(schema, `${name} ${argument}`).toHaveProperty('description')
      }
    }
  })

  test('--read-only hides the tool that writes, and the hints at it', async () => {
    const registry = registryFor(checkpoints, { readOnly: true, allowRestore: true })
    expect(registry.names).toEqual(['list_checkpoints', 'get_checkpoint', 'diff_checkpoint', 'search_checkpoints'])
    expect(registry.list().every(({ annotations }) => annotations.readOnlyHint)).toBe(true)
    expect(instructionsFor({ readOnly: true })).not.toContain('restore_checkpoint')
    expect(await registry.call('restore_checkpoint', { id: 'latest' }, { signal: new AbortController().signal })).toBeUndefined()
  })

  test('restoring counts as destructive only where it may replace a file', () => {
    const hintOf = (allowRestore: boolean) => registryFor(checkpoints, { allowRestore }).list().at(-1)?.annotations.destructiveHint
    expect(hintOf(false)).toBe(false)
    expect(hintOf(true)).toBe(true)
  })

  test('the instructions say first when to use the server, and fit in 2 KB', () => {
    const instructions = instructionsFor({ readOnly: false })
    expect(Buffer.byteLength(instructions)).toBeLessThanOrEqual(2048)
    expect(instructions).toMatch(/^After a compaction/)
  })

  test('the server has the version of its package', () => {
    expect(mcpServerVersion).toBe(manifest.version)
  })
})

describe('arguments that are not accepted', () => {
  const registry = registryFor(checkpoints)

  test('an unknown one is named, with all that there are', async () => {
    const text = await errorOf(registry, 'list_checkpoints', { limt: 3 })
    expect(text).toBe(
      [
        'ARGUMENT_INVALID: There is no argument "limt".',
        'Next: list_checkpoints takes: agent (a name of lower-case letters, digits and hyphens), session_key (a string of 1 to 512 characters), limit (a whole number from 1 to 100), cursor (a string of 1 to 4096 characters).',
      ].join('\n'),
    )
  })

  test.each([
    [{ limit: 'many' }, 'limit must be a whole number from 1 to 100.'],
    [{ limit: 0 }, 'limit must be a whole number from 1 to 100.'],
    [{ limit: 101 }, 'limit must be a whole number from 1 to 100.'],
    [{ limit: 2.5 }, 'limit must be a whole number from 1 to 100.'],
    [{ agent: 7 }, 'agent must be a name of lower-case letters, digits and hyphens.'],
    [{ agent: null }, 'agent must be a name of lower-case letters, digits and hyphens.'],
    [{ cursor: '' }, 'cursor must be a string of 1 to 4096 characters.'],
    [['list'], 'The arguments must be one object.'],
  ])('%j is answered with what is valid', async (args, complaint) => {
    expect(await errorOf(registry, 'list_checkpoints', args)).toContain(complaint)
  })

  test('every wrong one is named at once', async () => {
    const text = await errorOf(registry, 'get_checkpoint', { view: 'everything', dropped: 'yes', form: 1 })
    expect(text).toContain('view must be "context" or "after" or "all" or "raw".')
    expect(text).toContain('dropped must be true or false.')
    expect(text).toContain('There is no argument "form".')
  })

  test('a name that was made up is shown on one line and cut', async () => {
    const text = await errorOf(registry, 'list_checkpoints', { [`a\u202e\n${'b'.repeat(500)}`]: 1 })
    expect(text.split('\n')).toHaveLength(2)
    expect(text).not.toContain('b'.repeat(100))
  })

  test('no tool runs on them', async () => {
    const asked = fakeCheckpoints([])
    await errorOf(registryFor(asked.checkpoints), 'list_checkpoints', { limit: 'many' })
    expect(asked.calls.lists).toEqual([])
  })
})
