import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { bytesTranscript, messageEntryIds, messagesIn, messagesReader, messagesTranscript } from '../src/index.ts'
import { contextIn, listedIndex } from './contexts.ts'
import { all } from './pi-sessions.ts'

const reader = messagesReader()

async function bytesOf(messages: readonly unknown[]): Promise<Buffer> {
  const transcript = await messagesTranscript(messages, { sessionId: 'c1', cwd: '/work' }).open()
  const [main] = await all(transcript.parts())
  return Buffer.from((await main?.source.read(0, main.source.sizeBytes)) ?? [])
}

async function entriesOf(messages: readonly unknown[]) {
  const transcript = await messagesTranscript(messages, { sessionId: 'c1' }).open()
  return (await all(reader.entries(transcript))).flatMap((entry) => (entry.kind === 'message' ? [entry] : []))
}

const anthropic = [
  { role: 'user', content: 'read a.ts' },
  {
    role: 'assistant',
    content: [
      { type: 'thinking', thinking: 'hm', signature: 'c2ln' },
      { type: 'tool_use', id: 't1', name: 'read', input: { path: 'a.ts' } },
    ],
  },
  { role: 'user', content: [{ type: 'tool_result', tool_use_id: 't1', content: [{ type: 'text', text: 'const a = 1' }] }] },
]
const aiSdk = [
  { role: 'system', content: 'You help.' },
  {
    role: 'user',
    content: [
      { type: 'text', text: 'look' },
      { type: 'file', mediaType: 'image/png', data: Uint8Array.of(1, 2, 255) },
    ],
  },
  { role: 'user', content: [{ type: 'image', image: new URL('https://example.org/a.png') }] },
  { role: 'assistant', content: [{ type: 'tool-call', toolCallId: 'c', toolName: 'grep', input: { pattern: 'x' } }] },
  { role: 'tool', content: [{ type: 'tool-result', toolCallId: 'c', toolName: 'grep', output: { type: 'text', value: 'a.ts:1' } }] },
  {
    id: 'u1',
    role: 'assistant',
    parts: [{ type: 'tool-read', toolCallId: 'd', state: 'output-available', input: { path: 'b' }, output: 'content of b' }],
    metadata: { at: new Date(5) },
  },
]
const openAiAgents = [
  { role: 'user', content: 'go' },
  { type: 'function_call', id: 'fc1', callId: 'k', name: 'bash', arguments: '{"command":"ls"}', status: 'completed' },
  { type: 'function_call_result', callId: 'k', name: 'bash', output: { type: 'text', text: 'a.ts' } },
  { type: 'message', id: 'msg1', role: 'assistant', content: [{ type: 'output_text', text: 'done' }] },
  { type: 'compaction', encrypted_content: 'c2VjcmV0' },
]
const langGraph = [
  { lc: 1, type: 'constructor', id: ['langchain_core', 'messages', 'HumanMessage'], kwargs: { id: 'h1', content: 'hello' } },
  {
    lc: 1,
    type: 'constructor',
    id: ['langchain_core', 'messages', 'AIMessageChunk'],
    kwargs: { content: '', tool_calls: [{ name: 'ls', args: { dir: '.' }, id: 'x' }] },
  },
  { type: 'tool', data: { content: 'a.ts', name: 'ls', tool_call_id: 'x' } },
]

describe('a history of messages', () => {
  test.each([
    ['Anthropic Messages', anthropic, ['user', 'assistant', 'tool'], 'const a = 1'],
    ['the AI SDK', aiSdk, ['system', 'user', 'user', 'assistant', 'tool', 'assistant'], 'read'],
    ['OpenAI Agents', openAiAgents, ['user', 'assistant', 'tool', 'assistant', 'system'], 'done'],
    ['LangGraph', langGraph, ['user', 'assistant', 'tool'], 'a.ts'],
  ])('of %s comes back as it was, with roles and texts that can be read', async (_sdk, messages, roles, said) => {
    expect(await messagesIn([await bytesOf(messages)])).toEqual(messages)
    const entries = await entriesOf(messages)
    expect(entries.map(({ role }) => role)).toEqual(roles)
    expect(entries.some(({ text, tool }) => text.includes(said) || tool === said)).toBe(true)
    expect(entries.map(({ id }) => id)).toEqual(messageEntryIds(messages))
  })

  test('says the tools that are called, and their results', async () => {
    const tools = async (messages: readonly unknown[]) => (await entriesOf(messages)).map(({ tool }) => tool)
    expect(await tools(anthropic)).toEqual([undefined, 'read', undefined])
    expect(await tools(aiSdk)).toEqual([undefined, undefined, undefined, 'grep', 'grep', 'read'])
    expect(await tools(openAiAgents)).toEqual([undefined, 'bash', 'bash', undefined, undefined])
    expect(await tools(langGraph)).toEqual([undefined, 'ls', 'ls'])
    expect((await entriesOf(anthropic)).map(({ text }) => text)).toEqual(['read a.ts', 'hm\n{"path":"a.ts"}\nread', 'const a = 1'])
  })

  test('is the same bytes for equal arrays, whatever the order of their keys, and a message more appends to them', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.jsonValue()), fc.jsonValue(), async (messages, more) => {
        const bytes = await bytesOf(messages)
        const turned = JSON.parse(JSON.stringify(messages), (_key, value: unknown) =>
          typeof value === 'object' && value !== null && !Array.isArray(value)
            ? Object.fromEntries(Object.entries(value).toReversed())
            : value,
        )
        expect(await bytesOf(turned)).toEqual(bytes)
        const longer = await bytesOf([...messages, more])
        expect(longer.subarray(0, bytes.length)).toEqual(bytes)
        expect(longer.toString().trimEnd().split('\n')).toHaveLength(messages.length + 2)
        expect(await messagesIn([longer])).toEqual(JSON.parse(JSON.stringify([...messages, more])))
      }),
      { numRuns: 200 },
    )
  })

  test('keeps what JSON does not know, and what looks like it', async () => {
    const messages = [
      { big: 2n ** 70n, at: new Date(1_700_000_000_000), bytes: Buffer.from('hi'), nothing: undefined, none: null },
      { $value: 'bytes', is: 'aGk=', deep: { $value: 'url' } },
      { toJSON: () => ({ type: 'human', data: { content: 'from a class' } }) },
    ]
    const [first, second, third] = await messagesIn([await bytesOf(messages)])
    expect(first).toEqual({ big: 2n ** 70n, at: new Date(1_700_000_000_000), bytes: Uint8Array.from(Buffer.from('hi')), none: null })
    expect(second).toEqual(messages[1])
    expect(third).toEqual({ type: 'human', data: { content: 'from a class' } })
  })

  test('is read from bytes that were changed afterwards no more', async () => {
    const message = { role: 'user', content: 'before' }
    const origin = messagesTranscript([message], { sessionId: 'c1' })
    message.content = 'after'
    const [entry] = (await all(reader.entries(await origin.open()))).slice(1)
    expect(entry).toMatchObject({ text: 'before' })
  })

  const cyclic: unknown[] = []
  cyclic.push(cyclic)
  test.each([
    ['a function', [{ role: 'user', run: () => 1 }], 'messages[0].run'],
    ['a map', [1, { content: new Map() }], 'messages[1].content'],
    ['no number', [{ n: Number.NaN }], 'messages[0].n'],
    ['itself', [cyclic], 'messages[0][0]'],
    ['nothing', [undefined], 'messages[0]'],
    ['a hole', [{ list: [1, undefined] }], 'messages[0].list[1]'],
  ])('with %s in it is refused, and says where', (_what, messages, argument) => {
    expect(() => messagesTranscript(messages, { sessionId: 'c1' })).toThrowError(
      expect.objectContaining({ code: 'ARGUMENT_INVALID', details: expect.objectContaining({ argument }) }),
    )
  })

  test('that is none is refused', async () => {
    await expect(messagesIn([Buffer.from('{"role":"user"}\n')])).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
    await expect(messagesIn([await bytesOf([1]), Buffer.from('torn {"mess')])).rejects.toMatchObject({ details: { line: 2 } })
    expect(() => messagesTranscript([], { sessionId: '' })).toThrowError(expect.objectContaining({ code: 'ARGUMENT_INVALID' }))
  })
})

describe('a branch of a history', () => {
  const lines = ['{"message":{"role":"user","content":"one"}}', '{"note":1}', '{"message":"two"}', '{"message":"three"}']
  const main = Buffer.from(`{"format":1,"sessionId":"c1","type":"palimpsest-messages"}\n${lines.join('\n')}`)

  async function branched(leafId: string): Promise<string> {
    const transcript = await bytesTranscript({ main }).open()
    const pieces = await all(reader.rewrite(transcript, { sessionId: 'c2', leafId, createdAt: 0 }))
    return Buffer.concat(pieces.map(({ bytes }) => bytes)).toString()
  }

  test('has the messages up to its leaf as they are, every line ended, and nothing that is no message', async () => {
    const header = '{"format":1,"sessionId":"c2","type":"palimpsest-messages"}'
    expect(await branched('L4')).toBe(`${[header, lines[0], lines[2], lines[3]].join('\n')}\n`)
    expect(await branched('L3')).toBe(`${[header, lines[0], lines[2]].join('\n')}\n`)
    await expect(branched('L2')).rejects.toMatchObject({ code: 'TRANSCRIPT_MALFORMED' })
  })

  test('after a compaction keeps what the program names, or everything from the first message that it names on', async () => {
    const entries = (await all(reader.entries(await bytesTranscript({ main }).open()))).filter((entry) => entry.kind !== 'bad')
    const index = listedIndex(entries)
    const kept = (keeps: object) => Array.from(reader.kept(index, 'L4', keeps), (position) => index.idOf(position))
    expect(contextIn(reader, index, 'L4', 'context')).toEqual({ entryIds: ['L1', 'L3', 'L4'], problems: [] })
    expect(kept({ firstKeptEntryId: 'L3' })).toEqual(['L3', 'L4'])
    expect(kept({ firstKeptEntryId: 'L3', keptEntryIds: ['L4', 'L1'] })).toEqual(['L1', 'L4'])
    expect(kept({ firstKeptEntryId: 'L2' })).toEqual([])
    expect(kept({})).toEqual([])
  })
})
