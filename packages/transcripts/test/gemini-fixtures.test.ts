import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { contextIn } from './contexts.ts'
import { reader } from './gemini-session.ts'
import { newId, opened, readSession, rewritten } from './session-kit.ts'

const folder = join(process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'gemini-cli')
const fixture = (name: string) => readFile(join(folder, `v0.61.0-${name}.jsonl`))
const leafOf = ({ entries }: Awaited<ReturnType<typeof readSession>>) => entries.findLast(({ leafId }) => leafId !== undefined)?.id ?? ''

describe.skipIf(!existsSync(folder))('the real sessions of Gemini CLI 0.61.0', () => {
  test('an automatic compaction after five resumes is the one, with the tool call that it kept', async () => {
    const session = await readSession(reader, await fixture('autocompress-session'))
    expect(session.bad).toEqual([])
    expect(session.compactions).toMatchObject([
      {
        boundary: { line: 32, entryId: 'af66fd52-2841-46f4-8cea-a530ba2429b3' },
        tokensBefore: 300_020,
        tokensAfter: 1530,
        firstKeptEntryId: '10896774-f59e-4bfe-9868-b878ab20348d',
        keptEntryIds: [
          'd04923d38bb0f6017037e74183378ef4',
          '10896774-f59e-4bfe-9868-b878ab20348d',
          '9383ca74-ff9b-43a9-8553-d4f4a29cfd0e@L30',
        ],
      },
    ])
    const before = contextIn(reader, session.index, session.compactions[0]?.leafId ?? '', 'context')
    expect(before).toMatchObject({ entryIds: { length: 11 }, problems: [] })
    const after = contextIn(reader, session.index, leafOf(session), 'context')
    // What the client tells first, the summary, the kept prompt and call, the result, the answer.
    expect(after.entryIds).toHaveLength(6)
    expect(contextIn(reader, session.index, leafOf(session), 'all').entryIds).toHaveLength(13)
  })

  test('a compaction by hand keeps two turns under new ids', async () => {
    const session = await readSession(reader, await fixture('tui-compress-session'))
    expect(session.compactions).toMatchObject([{ tokensBefore: 1590, tokensAfter: 1600, keptEntryIds: { length: 5 } }])
    const shown = contextIn(reader, session.index, leafOf(session), 'context').entryIds.map(
      (id) => session.entries.find((entry) => entry.id === id)?.text,
    )
    expect(shown.slice(1).map((text) => text?.split('\n')[0])).toEqual([
      '<state_snapshot>',
      'Turn 2: MARK-T2 more',
      'Mock reply 56 to: Turn 2: MARK-T2 more',
      'Turn 3: MARK-T3 more',
      'Mock reply 57 to: Turn 3: MARK-T3 more',
      'Turn 4: MARK-T4 after',
      'Mock reply 60 to: Turn 4: MARK-T4 after',
    ])
  })

  test('a session that was resumed within the minute has all its turns, and no compaction', async () => {
    const session = await readSession(reader, await fixture('restored-session'))
    expect(session.compactions).toEqual([])
    expect(contextIn(reader, session.index, leafOf(session), 'context')).toMatchObject({ entryIds: { length: 13 }, problems: [] })
    expect(contextIn(reader, session.index, leafOf(session), 'all').entryIds).toHaveLength(13)
  })

  test('the stub that a resume leaves behind has the id of the session that was resumed, and no compaction', async () => {
    const stub = await fixture('resume-stub')
    const real = await fixture('autocompress-session')
    expect(await reader.identify(await opened(stub))).toEqual(await reader.identify(await opened(real)))
    expect((await readSession(reader, stub)).compactions).toEqual([])
  })

  test('PreCompress fired on turns that were not compacted: at each hook but the last the log has no compaction', async () => {
    const bytes = await fixture('autocompress-session')
    const hooks = (await fixture('hooks'))
      .toString()
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const own = hooks.filter((hook) => hook.in.hook_event_name === 'PreCompress' && hook.in.session_id.startsWith('b9f47197'))
    expect(own.length).toBeGreaterThan(4)
    for (const { transcriptBytes } of own) {
      expect((await readSession(reader, bytes.subarray(0, transcriptBytes))).compactions).toEqual([])
    }
  })

  test('a new session before the compaction replays to the same messages', async () => {
    const bytes = await fixture('autocompress-session')
    const session = await readSession(reader, bytes)
    const [compaction] = session.compactions
    const { main = '' } = await rewritten(reader, await opened(bytes), { leafId: compaction?.leafId ?? '' })
    const copy = await readSession(reader, Buffer.from(main))
    expect(copy.entries).toHaveLength(32)
    expect(contextIn(reader, copy.index, leafOf(copy), 'context').entryIds).toEqual(
      contextIn(reader, session.index, compaction?.leafId ?? '', 'context').entryIds,
    )
    expect(await reader.identify(await opened(Buffer.from(main)))).toMatchObject({ sessionId: newId, cwd: '/home/dev/work/gem/proj' })
  })
})
