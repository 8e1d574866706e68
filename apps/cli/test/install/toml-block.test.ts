import fc from 'fast-check'
import { parse } from 'smol-toml'
import { describe, expect, test } from 'vitest'
import { SettingsRefused } from '../../src/install/json-entries.ts'
import { withBlock, withoutBlock } from '../../src/install/toml-block.ts'

const bodyOf = (store: string): string =>
  `[[hooks.PreCompact]]\n[[hooks.PreCompact.hooks]]\ntype = "command"\ncommand = "${store}"\n\n[mcp_servers.palimpsest]\ncommand = "${store}"\n`
const body = bodyOf('a')

const piece = fc.constantFrom(
  '# a comment',
  'model = "x"   # aligned',
  '',
  '[mcp_servers.other]\ncommand = "o"',
  '[[hooks.PreCompact]]\nmatcher = "auto"',
  '[[hooks.Stop]]\nmatcher = "."',
  '[projects."/a b"]\ntrust_level = "trusted"',
)
const settingsText = fc
  .tuple(fc.uniqueArray(piece), fc.constantFrom('', '\n', '\n\n'))
  .map(([pieces, end]) => pieces.toSorted((a, b) => Number(a.startsWith('[')) - Number(b.startsWith('['))).join('\n') + end)

describe('settings in TOML', () => {
  test('a block is added at the end, nothing else changes, twice is once, and it goes without a trace', () => {
    fc.assert(
      fc.property(settingsText, (text) => {
        const { text: after, written = '' } = withBlock(text, body, [])
        expect(after.startsWith(text)).toBe(true)
        expect(parse(after)).toMatchObject({ mcp_servers: { palimpsest: { command: 'a' } } })
        expect(withBlock(after, body, [written])).toEqual({ text: after, edited: false })
        expect(withoutBlock(after, body, [written])).toEqual({ text, edited: false })
        const renewed = withBlock(after, bodyOf('b'), [written])
        expect(renewed.text).not.toContain('"a"')
        expect(withoutBlock(renewed.text, bodyOf('b'), [renewed.written ?? '', written]).text).toBe(text)
      }),
    )
  })

  test('what was written behind the block stays', () => {
    const { text, written = '' } = withBlock('model = "x"\n', body, [])
    expect(withoutBlock(`${text}\n[later]\na = 1\n`, body, [written]).text).toBe('model = "x"\n\n[later]\na = 1\n')
  })

  test('a block that was edited by hand is left', () => {
    const { text, written = '' } = withBlock('', body, [])
    const edited = text.replace('"a"', '"mine"')
    expect(withBlock(edited, body, [written])).toEqual({ text: edited, edited: true })
    expect(withoutBlock(edited, body, [written])).toEqual({ text: edited, edited: true })
  })

  test.each(['a = ', 'hooks = { PreCompact = [] }', 'hooks = 1', '[mcp_servers.palimpsest]\ncommand = "x"'])('%s is refused', (text) => {
    expect(() => withBlock(text, body, [])).toThrow(SettingsRefused)
  })
})
