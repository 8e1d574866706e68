import fc from 'fast-check'
import { parse } from 'jsonc-parser'
import { describe, expect, test } from 'vitest'
import { type JsonEntry, SettingsRefused } from '../../src/install/json-entries.ts'
import { type WrittenJson, withEntries, withoutEntries } from '../../src/install/json-settings.ts'

const hook = (event: string, store = 'a'): JsonEntry => ({
  at: ['hooks', event],
  value: { hooks: [{ type: 'command', command: `/node /palimpsest-hook.cjs claude-code ${event} --store ${store}`, timeout: 60 }] },
})
const server = (store = 'a'): JsonEntry => ({ at: ['mcpServers'], name: 'palimpsest', value: { command: '/node', args: ['mcp', store] } })
const entriesOf = (store = 'a'): readonly JsonEntry[] => [hook('PreCompact', store), hook('PostCompact', store), server(store)]
const entries = entriesOf()

function installed(text: string, which = entries, history: readonly WrittenJson[] = []): { text: string; history: readonly WrittenJson[] } {
  const edited = withEntries(text, which, history)
  return { text: edited.text, history: edited.written === undefined ? history : [edited.written, ...history] }
}

/** JSON with comments: objects and lists in many spellings. */
const settingsText = fc
  .record({
    values: fc.dictionary(
      fc.constantFrom('theme', 'hooks', 'mcpServers', 'model', 'ünï'),
      fc.oneof(fc.string(), fc.integer(), fc.constant(null), fc.array(fc.integer(), { maxLength: 3 })),
      { maxKeys: 4 },
    ),
    hooks: fc.constantFrom(
      undefined,
      {},
      { PreCompact: [] },
      { PreCompact: [{ hooks: [{ type: 'command', command: 'other' }] }], Stop: [] },
    ),
    servers: fc.constantFrom(undefined, {}, { other: { command: 'x' } }),
    indent: fc.constantFrom('', ' ', '  ', '    ', '\t'),
    lineEnd: fc.constantFrom('\n', '\r\n'),
    comments: fc.boolean(),
    trailingComma: fc.boolean(),
    head: fc.constantFrom('', '\uFEFF', '\n', '// settings\n', '/* a */ '),
    tail: fc.constantFrom('', '\n', '\n\n', ' // end'),
  })
  .map(({ values, hooks, servers, indent, lineEnd, comments, trailingComma, head, tail }) => {
    const { hooks: _hooks, mcpServers: _servers, ...rest } = values
    const value = { ...rest, ...(hooks === undefined ? {} : { hooks }), ...(servers === undefined ? {} : { mcpServers: servers }) }
    let lines = JSON.stringify(value, undefined, indent)
    if (indent !== '' && comments) lines = lines.replace(/([,{])\n/g, '$1 // note, {here}\n')
    if (indent !== '' && trailingComma) lines = lines.replace(/([^{[,\s])\n(\s*[}\]])/g, '$1,\n$2')
    return (head + lines + tail).replaceAll('\n', lineEnd)
  })

describe('settings in JSON', () => {
  test('what is installed is there, all else is as it was, and twice is once', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const after = installed(text)
        const [before, now] = [text, after.text].map((from) => parse(from, [], { allowTrailingComma: true }))
        expect(now.hooks.PreCompact.at(-1)).toEqual(entries[0]?.value)
        expect(now.mcpServers.palimpsest).toEqual(entries[2]?.value)
        expect(now.hooks.PreCompact.slice(0, -1)).toEqual(before.hooks?.PreCompact ?? [])
        for (const name of Object.keys(before)) if (name !== 'hooks' && name !== 'mcpServers') expect(now[name]).toEqual(before[name])
        expect(installed(after.text, entries, after.history).text).toBe(after.text)
        // Without any memory too.
        expect(installed(after.text).text).toBe(after.text)
        // Every line that was there is there, but for a comma.
        const bare = (from: string): readonly string[] => from.split(/[\s,{}[\]]+/)
        const words = new Set(bare(after.text))
        for (const word of bare(text)) expect(words).toContain(word)
      }),
    )
  })

  test('uninstalling gives the same bytes back', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const after = installed(text)
        expect(withoutEntries(after.text, entries, after.history)).toEqual({ text, edited: [] })
      }),
    )
  })

  test('so it does after the installation was renewed with another store', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const first = installed(text)
        const second = installed(first.text, entriesOf('b'), first.history)
        expect(parse(second.text, [], { allowTrailingComma: true }).hooks.PreCompact.at(-1)).toEqual(hook('PreCompact', 'b').value)
        expect(second.text).not.toContain('--store a')
        expect(withoutEntries(second.text, entriesOf('b'), second.history).text).toBe(text)
      }),
    )
  })

  test('without memory and with other entries added since, only what is ours goes', () => {
    fc.assert(
      fc.property(settingsText, fc.boolean(), (text, remembers) => {
        const after = installed(text)
        const other: JsonEntry = { at: ['hooks', 'PreCompact'], value: { hooks: [{ type: 'command', command: 'later' }] } }
        const property: JsonEntry = { at: ['later'], name: 'x', value: 1 }
        const more = installed(after.text, [other, property]).text
        const without = withoutEntries(more, entries, remembers ? after.history : [])
        expect(without.text).not.toContain('palimpsest')
        const [before, now] = [text, without.text].map((from) => parse(from, [], { allowTrailingComma: true }))
        expect(now.hooks.PreCompact).toEqual([...(before.hooks?.PreCompact ?? []), other.value])
        expect(now.later).toEqual({ x: 1 })
        expect(now.hooks.PostCompact).toBeUndefined()
      }),
    )
  })

  test('an entry that was edited by hand is left, named, and not written a second time', () => {
    const { text, history } = installed('{}\n')
    const edited = text.replace('"timeout": 60', '"timeout": 5')
    expect(withEntries(edited, entries, history)).toMatchObject({ text: edited, edited: ['hooks.PreCompact'] })
    const without = withoutEntries(edited, entries, history)
    expect(without.edited).toEqual(['hooks.PreCompact'])
    expect(parse(without.text)).toEqual({ hooks: { PreCompact: [{ hooks: [expect.objectContaining({ timeout: 5 })] }] } })
  })

  test.each([
    ['{"a": 1', 'not JSON'],
    ['[1]', 'no object'],
    ['{"hooks": []}', 'hooks is array'],
    ['{"hooks": {"PreCompact": {}}}', 'hooks.PreCompact is object'],
    ['{"hooks": {}, "hooks": {}}', 'twice'],
  ])('%s is refused', (text, why) => {
    expect(() => withEntries(text, entries, [])).toThrow(SettingsRefused)
    expect(() => withEntries(text, entries, [])).toThrow(why)
  })
})
