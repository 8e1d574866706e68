import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { fileTranscript } from '../src/index.ts'
import { all, type Fields, otherId, parsed, read, reader, rewritten, sessionId, transcriptOf } from './codex-sessions.ts'
import { contextIn } from './contexts.ts'

const root = resolve(process.env['PALIMPSEST_FIXTURES'] ?? resolve(import.meta.dirname, '../../../../shared/fixtures'), 'codex')
const isThere = existsSync(root)
const chainFolder = join(root, '0.169.0/manual-fork-revert')
const mainThread = '01a204f0-e726-7ce0-a9f6-30892aff5249'
const rollout = (name: string) => join(chainFolder, readdirSync(chainFolder).find((each) => each.endsWith(`${name}.jsonl`)) ?? '')

/** What the client sends to the model for a rollout without a compaction: its items, as they stand in it. */
function itemsOf(bytes: Uint8Array): readonly unknown[] {
  return parsed(bytes)
    .filter(({ type }) => type === 'response_item')
    .map(({ payload }) => sent(payload as Fields))
}

/** As a request has it: without what is Codex's own, and what is empty. */
function sent({ internal_chat_message_metadata_passthrough: _passthrough, ...item }: Fields): Fields {
  return Object.fromEntries(Object.entries(item).filter(([, value]) => value !== null && value !== undefined))
}

function requestItems(version: string, name: string): readonly Fields[] {
  const request: { body: { input: Fields[] } } = JSON.parse(readFileSync(join(root, version, `matrix-request-${name}.json`), 'utf8'))
  return request.body.input.map(sent)
}

describe.skipIf(!isThere)('rollouts of the real Codex', () => {
  const facts = [
    ['0.125.0/matrix-source', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 11_537, leafId: 'L25' }, 10, 2],
    ['0.157.1/matrix-source', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 10_167 }, 10, 2],
    ['0.169.0/local-auto-midturn', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 10_134 }, 12, 2],
    ['0.169.0/local-auto-preturn', { reason: 'auto-threshold', tokensBefore: 195_040, tokensAfter: 10_089 }, 4, 1],
    ['0.169.0/remote-openai-encrypted', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 10_189 }, 10, 2],
    ['0.169.0/token-budget-reset-no-summary', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 10_086 }, 10, 0],
    ['hooks/transcript-final', { reason: 'auto-threshold', tokensBefore: 150_040, tokensAfter: 10_103 }, 9, 2],
    [
      `0.169.0/manual-fork-revert/rollout-2026-11-22T20-27-06-${mainThread}`,
      { reason: 'manual', tokensBefore: 10_173, tokensAfter: 10_126 },
      10,
      2,
    ],
  ] as const

  test.each(facts)('%s has one compaction, %o, the model having seen %i items before it', async (name, expected, before, kept) => {
    const transcript = await fileTranscript(join(root, `${name}.jsonl`)).open()
    const found = await all(reader.compactions(transcript))
    const { index, bad } = await read(transcript)
    await transcript.close()
    expect(bad).toEqual([])
    expect(found).toMatchObject([expected])
    expect(found[0]?.keptEntryIds).toHaveLength(kept)
    expect(contextIn(reader, index, found[0]?.leafId ?? '', 'context')).toMatchObject({ entryIds: { length: before }, problems: [] })
    const boundary = index.entries.find(({ kind }) => kind === 'summary')
    expect(boundary?.start).toBe(found[0]?.boundary.start)
    expect(contextIn(reader, index, boundary?.id ?? '', 'context').entryIds).toEqual([...(found[0]?.keptEntryIds ?? []), boundary?.id])
  })

  test('of the three ways to compact only the local one leaves a summary that can be read', async () => {
    const summaries: (string | undefined)[] = []
    for (const name of ['local-auto-midturn', 'remote-openai-encrypted', 'token-budget-reset-no-summary'])
      summaries.push(
        ...(await all(reader.compactions(await transcriptOf(readFileSync(join(root, `0.169.0/${name}.jsonl`)))))).map(
          (each) => each.summary,
        ),
      )
    expect(summaries).toEqual([
      'MOCK SUMMARY #2: the user asked for several small file tasks; they were done. Next: continue.',
      undefined,
      undefined,
    ])
  })

  test.each(['0.125.0', '0.157.1'])(
    '%s: what is written holds exactly the items of the compaction request, one by one',
    async (version) => {
      const bytes = readFileSync(join(root, version, 'matrix-source.jsonl'))
      const [compaction] = await all(reader.compactions(await transcriptOf(bytes)))
      const copy = await rewritten(bytes, { leafId: compaction?.leafId ?? '' })
      // The last message asks for the summary, and is not in the rollout.
      const asked = requestItems(version, 'compaction').slice(0, -1)
      expect(itemsOf(copy)).toEqual(asked)
      expect(requestItems(version, 'first-after-restore').slice(0, asked.length)).toEqual(asked)
    },
  )

  test.each(['0.125.0', '0.157.1'])(
    '%s: what is written is what the real client was seen to resume, but for ids and lineage',
    async (version) => {
      const bytes = readFileSync(join(root, version, 'matrix-source.jsonl'))
      const [compaction] = await all(reader.compactions(await transcriptOf(bytes)))
      const copy = parsed(await rewritten(bytes, { leafId: compaction?.leafId ?? '' }))
      const resumed = parsed(readFileSync(join(root, version, 'matrix-restored.jsonl')))
      // Which counts are taken is a choice: the compaction's own are not.
      const comparable = (lines: readonly Fields[]) => {
        const payloads = lines.map(({ type, payload }) => ({ type, payload: { ...(payload as Fields) } as Fields }))
        const { id } = payloads[0]?.payload ?? {}
        const others = payloads.filter(({ payload }) => payload['type'] !== 'token_count')
        return JSON.parse(JSON.stringify(others).replaceAll(`"forked_from_id":"${sessionId}",`, '').replaceAll(String(id), 'id'))
      }
      expect(comparable(copy)).toEqual(comparable(resumed))
      for (const lines of [copy, resumed])
        expect(lines.at(-1)).toMatchObject({ payload: { info: { last_token_usage: { input_tokens: 0, total_tokens: 0 } } } })
    },
  )

  test('what a PreCompact hook finds has the leaf that a scan finds later', async () => {
    const [compaction] = await all(reader.compactions(await transcriptOf(readFileSync(join(root, 'hooks/transcript-final.jsonl')))))
    const { leafId } = await read(await transcriptOf(readFileSync(join(root, 'hooks/transcript-at-PreCompact.jsonl'))))
    expect(leafId).toBe(compaction?.leafId)
  })

  test.each([
    ['01a204f0-ec0a-7193-b568-d22869aa56e5', '01a204f0-ec0a-7193-b568-d22869aa56e5', 46_696, 12, 0],
    ['01a204f0-ed02-7750-b485-4ee64c36230c', '01a204f0-ed02-7750-b485-4ee64c36230c', 64_983, 5, 1],
    ['_01a204f0-eddf-7020-8abb-895e345caf6c', mainThread, 64_983, 5, 1],
    ['_01a204f0-eed0-7a92-a827-02170faac313', mainThread, 46_696, 12, 0],
  ])(
    'the rollout %s goes on from another: it is the session %s, behind %i bytes',
    async (name, session, baseBytes, context, compactions) => {
      const transcript = await fileTranscript(rollout(name)).open()
      expect(await reader.identify(transcript)).toMatchObject({ sessionKey: session, sessionId: session })
      for await (const { source } of transcript.parts()) {
        const base = readFileSync(rollout(mainThread)).subarray(0, baseBytes)
        const own = readFileSync(rollout(name))
        expect(Buffer.compare(await source.read(0, source.sizeBytes), Buffer.concat([base, own]))).toBe(0)
      }
      const { index, leafId, bad } = await read(transcript)
      expect(bad).toEqual([])
      expect(contextIn(reader, index, leafId, 'context')).toMatchObject({ entryIds: { length: context }, problems: [] })
      expect(await all(reader.compactions(transcript))).toHaveLength(compactions)
      await transcript.close()
    },
  )

  test('a chain is written as one rollout, which refers to none', async () => {
    const fork = '01a204f0-ec0a-7193-b568-d22869aa56e5'
    const transcript = await fileTranscript(rollout(fork)).open()
    const { leafId } = await read(transcript)
    const pieces = await all(reader.rewrite(transcript, { sessionId: otherId, leafId, createdAt: 0, parent: { sessionId: fork } }))
    await transcript.close()
    const lines = parsed(Buffer.concat(pieces.map(({ bytes }) => bytes)))
    const metas = lines.filter(({ type }) => type === 'session_meta').map(({ payload }) => payload)
    expect(metas).toMatchObject([{ id: otherId, session_id: otherId, forked_from_id: fork, history_mode: 'paginated' }])
    expect(Object.keys(metas[0] as Fields)).not.toContain('history_base')
    const ordinals = lines.map(({ ordinal }) => Number(ordinal))
    expect(ordinals).toEqual(ordinals.toSorted((one, other) => one - other))
    expect(new Set(ordinals).size).toBe(ordinals.length)
    expect(JSON.stringify(lines)).not.toContain(`"thread_id":"${mainThread}"`)
  })
})
