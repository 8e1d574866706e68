import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { all, type Fields, indexOf, otherId, parsed, reader, rewritten, text, transcriptOf } from './claude-code-session.ts'
import { contextIn } from './contexts.ts'

const root = resolve(process.env['PALIMPSEST_FIXTURES'] ?? resolve(import.meta.dirname, '../../../../shared/fixtures'), 'claude-code')
const isThere = existsSync(root)
const real = ['real/258c7280-ae70-4798-800f-63464d01a85d.jsonl', 'real/8463c716-a2ea-4c14-9efa-87158ebd9f20.jsonl']
const compacted = [
  'manual/after-compact',
  'manual/after-compact-plus-turn',
  'auto/after',
  'partial-from-here/after',
  'rewind-behind-compact/after',
].map((name) => `generated/${name}.jsonl`)
const before = [
  'generated/manual/before.jsonl',
  'generated/auto/before.jsonl',
  'generated/partial-from-here/before.jsonl',
  'generated/subagent/55555555-aaaa-4bbb-8ccc-000000000005.jsonl',
]

const open = async (name: string) => transcriptOf(bytesOf(name), { path: join(root, name) })
const bytesOf = (name: string) => readFileSync(join(root, name))
const compactionsIn = async (name: string) => all(reader.compactions(await open(name)))

/** The blocks of a message, a text as one. */
function blocksOf(message: unknown): Fields[] {
  const content = (message as { content?: unknown } | undefined)?.content
  return typeof content === 'string' ? [{ type: 'text', text: content }] : Array.isArray(content) ? content : []
}

describe.skipIf(!isThere)('fixtures of Claude Code', () => {
  test.each([...real, ...compacted, ...before])('%s is a session', async (name) => {
    const head = bytesOf(name).subarray(0, 16 << 10)
    expect(reader.detect(head, { path: join(root, name), siblings: new Set() })).toBe(true)
    expect(await reader.identify(await open(name))).toMatchObject({ cwd: expect.stringMatching(/^\/home\//) })
  })

  test('the files of sub-agents and the handshakes are none', () => {
    const others = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
      /subagents\/.*\.jsonl$|^generated\/mcp\//.test(name),
    )
    expect(others).toHaveLength(7)
    for (const name of others)
      expect([name, reader.detect(bytesOf(name), { path: join(root, name), siblings: new Set() })]).toEqual([name, false])
  })

  test.each([
    [real[0], 167_094],
    [real[1], 167_731],
  ])('%s has one compaction, of %d tokens', async (name, tokensBefore) => {
    expect(await compactionsIn(name ?? '')).toMatchObject([
      { reason: 'auto-threshold', tokensBefore, summary: expect.stringMatching(/^This session is being continued/) },
    ])
  })

  test.each(compacted)('%s has one compaction', async (name) => {
    const [compaction, ...others] = await compactionsIn(name)
    expect(others).toEqual([])
    expect(compaction?.reason).toBe(name.includes('auto') ? 'auto-threshold' : 'manual')
    expect(compaction?.summary).toMatch(/^This session is being continued/)
    expect(compaction?.keptEntryIds?.[0]).toBe(compaction?.firstKeptEntryId)
  })

  test.each(before)('%s has none', async (name) => {
    expect(await compactionsIn(name)).toEqual([])
  })

  test('no file of a sub-agent has one', async () => {
    for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) => /subagents\/.*\.jsonl$/.test(name)))
      expect([name, await compactionsIn(name)]).toEqual([name, []])
  })

  test.each([...real, ...compacted])('in %s nothing from before the boundary is missing', async (name) => {
    const transcript = await open(name)
    const [compaction] = await compactionsIn(name)
    const index = await indexOf(transcript)
    const lines = parsed(bytesOf(name).subarray(0, compaction?.boundary.start)).filter((line) => line['isSidechain'] !== true)
    const wanted = lines.filter(({ type }) => type === 'user' || type === 'assistant').map(({ uuid }) => uuid)
    for (const view of ['context', 'all'] as const) {
      const { entryIds, problems } = contextIn(reader, index, compaction?.leafId ?? '', view)
      expect(problems).toEqual([])
      expect(new Set(entryIds).size).toBe(entryIds.length)
      expect(wanted.filter((id) => !entryIds.includes(String(id)))).toEqual([])
    }
  })

  test.each(real)('in %s every line is an entry', async (name) => {
    const lines = await all(reader.entries(await open(name)))
    expect(lines.filter(({ kind }) => kind === 'bad' || kind === 'unknown')).toEqual([])
    expect(lines).toHaveLength(text(bytesOf(name)).trimEnd().split('\n').length)
  })

  test('the context before a compaction is what the last request before it sent', async () => {
    const name = 'generated/manual/before.jsonl'
    const { body } = JSON.parse(text(bytesOf('generated/requests/pre-compaction-last-turn.json')))
    const index = await indexOf(await open(name))
    const leafId = index.entries.findLast((entry) => entry.leafId !== undefined)?.leafId ?? ''
    const { entryIds } = contextIn(reader, index, leafId, 'context')
    const lineById = new Map(parsed(bytesOf(name)).map((line) => [String(line['uuid']), line]))
    const seen = entryIds.map((id) => lineById.get(id) ?? {})
    const sent: Fields[] = body.messages.flatMap(blocksOf)
    const blocks = seen.flatMap((line) => blocksOf(line['message']))
    const marks = (list: Fields[], type: string, field: string) =>
      list.filter((block) => block['type'] === type).map((block) => block[field])
    expect(marks(blocks, 'tool_use', 'id')).toEqual(marks(sent, 'tool_use', 'id'))
    expect(marks(blocks, 'tool_result', 'tool_use_id')).toEqual(marks(sent, 'tool_result', 'tool_use_id'))
    expect(marks(blocks, 'thinking', 'thinking')).toEqual(marks(sent, 'thinking', 'thinking'))
    const said = marks(blocks, 'text', 'text')
    const sentText = body.messages.flatMap((message: Fields) => blocksOf(message).map(({ text }) => text)).join('\n')
    expect(said.slice(0, -1).filter((part) => !sentText.includes(String(part)))).toEqual([])
    expect(said.at(-1)).toBe('Done UNIQUE-MARK-THREE')
    const rendered = index.entries
      .filter((entry) => entryIds.includes(entry.id) && entry.note === 'beside')
      .map((entry) => (entry as { text?: string }).text ?? '')
    expect(rendered.length).toBeGreaterThan(5)
    for (const part of rendered) expect(sentText).toContain(part.replace(/^<system-reminder>\n|\n<\/system-reminder>$/g, '').slice(0, 200))
  })

  test('the context after it is what the next request sent', async () => {
    const index = await indexOf(await open('generated/manual/after-compact-plus-turn.jsonl'))
    const { body } = JSON.parse(text(bytesOf('generated/requests/post-compaction-turn.json')))
    const prompt = index.entries.findLast((entry) => entry.role === 'user' && entry.note === undefined)
    const { entryIds } = contextIn(reader, index, prompt?.id ?? '', 'context')
    const shown = index.entries.filter((entry) => entryIds.includes(entry.id) && (entry.kind === 'summary' || entry.note !== 'beside'))
    const sentText = body.messages.flatMap((message: Fields) => blocksOf(message).map(({ text }) => text)).join('\n')
    const texts = entryIds.flatMap((id) => shown.filter((entry) => entry.id === id)).map((entry) => (entry as { text?: string }).text ?? '')
    expect(texts[0]).toMatch(/^This session is being continued/)
    expect(texts[1]).toBe('Done UNIQUE-MARK-THREE')
    expect(texts.filter((part) => !sentText.includes(part))).toEqual([])
  })

  test.each([...real, ...compacted])('%s, cut at its boundary and rewritten, is what the verified recipe makes', async (name) => {
    const [compaction] = await compactionsIn(name)
    const whole = bytesOf(name)
    const prefix = whole.subarray(0, compaction?.boundary.start)
    const snapshot = await transcriptOf(prefix, { path: join(root, name) })
    const { sessionId } = await reader.identify(snapshot)
    const { main } = await rewritten(snapshot, { leafId: compaction?.leafId ?? '' })
    expect(parsed(main)).toEqual(parsed(prefix).map((line) => renamed(line)))
    expect(text(main ?? new Uint8Array(0)).replaceAll(otherId, '')).toBe(
      text(prefix).replaceAll(`"sessionId":"${sessionId}"`, '"sessionId":""').replaceAll(`"session_id":"${sessionId}"`, '"session_id":""'),
    )
    const same = await rewritten(snapshot, { leafId: compaction?.leafId ?? '', sessionId })
    expect(Buffer.from(same['main'] ?? []).equals(prefix)).toBe(true)
  })
})

function renamed(line: Fields): Fields {
  const ids = ['sessionId', 'session_id'].filter((key) => typeof line[key] === 'string')
  return { ...line, ...Object.fromEntries(ids.map((key) => [key, otherId])) }
}
