import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Checkpoint, EntryPage } from '@palimpsest/core'
import { describe, expect, test } from 'vitest'
import { piSession } from './pi-session.ts'
import { createStore, scannedStore } from './store.ts'

describe('a pi session', () => {
  test('scanned twice gives the same checkpoint, listed, shown and read as it was', async () => {
    const { store, file, id, session } = await scannedStore()
    await using _folder = store
    expect(await store.json('scan', file)).toMatchObject({
      sessions: [{ agent: 'pi', sessionKey: session.sessionId, path: file, checkpoints: [id], created: 0, problems: [] }],
    })
    const { checkpoints } = (await store.json('list')) as { checkpoints: Checkpoint[] }
    expect(checkpoints).toMatchObject([
      {
        id,
        agent: 'pi',
        sessionKey: session.sessionId,
        status: 'complete',
        origin: 'import',
        tokensBefore: 175_004,
        summary: 'We counted messages.',
        cwd: '/work/project',
      },
    ])
    expect(await store.json('show', id.slice(-8))).toEqual({ checkpoint: checkpoints[0] })
    expect(await store.json('sessions')).toMatchObject({ sessions: [{ agent: 'pi', sessionKey: session.sessionId, checkpointCount: 1 }] })

    const raw = await store.run(['read', 'latest', '--raw'])
    expect(raw.status).toBe(0)
    expect(raw.stdout).toBe(session.beforeCompaction)
    const page = (await store.json('read', id, '--view', 'context')) as EntryPage
    expect(page.entries.map((entry) => [entry.id, entry.text])).toEqual(
      session.messageIds.map((messageId, index) => [messageId, `message ${index}`]),
    )
    expect(page.total).toBe(4)
    const dropped = (await store.json('read', id, '--dropped')) as EntryPage
    expect(dropped.entries.map((entry) => entry.id)).toEqual(session.messageIds.slice(0, -1))
    expect(await readFile(file, 'utf8')).toBe(session.text)
  })

  test('is branched into a new session that stands before the compaction', async () => {
    const { store, file, id, session } = await scannedStore()
    await using _folder = store
    const branch = (await store.json('branch', id, '--to', 'branches')) as { path: string; sessionId: string; resumeArgv: string[] }
    expect(branch.path.startsWith(join(store.folder, 'branches'))).toBe(true)
    const lines = (await readFile(branch.path, 'utf8'))
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(lines[0]).toMatchObject({ type: 'session', id: branch.sessionId })
    expect(branch.sessionId).not.toBe(session.sessionId)
    expect(lines.map(({ id: entryId }) => entryId)).toEqual(expect.arrayContaining([...session.messageIds]))
    expect(lines.some(({ type }) => type === 'compaction')).toBe(false)
    expect(await readFile(file, 'utf8')).toBe(session.text)
  })

  test('loses a checkpoint to delete and gets it back by undelete', async () => {
    const { store, id } = await scannedStore()
    await using _folder = store
    expect(await store.json('delete', id)).toEqual({ deleted: [id] })
    expect(await store.json('list')).toEqual({ checkpoints: [], problems: [] })
    const gone = await store.run(['show', id, '--json'])
    expect(gone.status).toBe(3)
    expect(gone.json()).toMatchObject({ error: { code: 'CHECKPOINT_NOT_FOUND', details: { id } } })
    expect(await store.json('undelete', id)).toMatchObject({ checkpoint: { id } })
    expect(await store.json('list')).toMatchObject({ checkpoints: [{ id }] })
  })

  test('is pinned, labelled, and no longer', async () => {
    const { store, id } = await scannedStore()
    await using _folder = store
    expect(await store.json('pin', id)).toMatchObject({ checkpoint: { id, pinned: true } })
    expect((await store.run(['delete', id])).status).toBe(2)
    expect(await store.json('pin', id, '--off')).toMatchObject({ checkpoint: { pinned: false } })
    expect(await store.json('label', id, 'before it went wrong')).toMatchObject({ checkpoint: { label: 'before it went wrong' } })
    expect(((await store.json('label', id)) as { checkpoint: Checkpoint }).checkpoint).not.toHaveProperty('label')
  })

  test('is put back in place only on demand, not while it may be in use, and says how that is undone', async () => {
    const { store, file, id, session } = await scannedStore()
    await using _folder = store
    const inUse = await store.run(['restore', id, '--in-place', '--json'])
    expect(inUse.status).toBe(6)
    expect(inUse.json()).toMatchObject({ error: { code: 'CHECKPOINT_CONFLICT' } })
    expect(await readFile(file, 'utf8')).toBe(session.text)
    const restored = (await store.json('restore', id, '--in-place', '--force')) as { path: string; undo: string }
    expect(restored).toMatchObject({ path: file, undo: expect.any(String) as string })
    expect((await readFile(file, 'utf8')).startsWith(session.text)).toBe(true)
    expect((await store.run(['read', restored.undo, '--raw'])).stdout).toBe(session.text)
  })
})

test('a capture is completed from standard input, another abandoned', async () => {
  await using store = await createStore()
  const { beforeCompaction, sessionId, messageIds } = piSession()
  await writeFile(join(store.folder, 's.jsonl'), beforeCompaction)
  const capture = ['capture', '--agent', 'pi', '--transcript', 's.jsonl', '--reason', 'manual', '--tokens-before', '900']
  const first = (await store.json(...capture)) as { outcome: string; checkpoint: Checkpoint }
  expect(first).toMatchObject({
    outcome: 'captured',
    checkpoint: {
      status: 'pending',
      reason: 'manual',
      sessionKey: sessionId,
      tokensBefore: 900,
      preCompaction: { leafId: messageIds.at(-1) },
    },
  })
  expect(await store.json(...capture)).toMatchObject({ outcome: 'unchanged', checkpoint: { id: first.checkpoint.id } })
  const completed = await store.run(
    ['complete', first.checkpoint.id, '--summary-file', '-', '--tokens-after', '90', '--json'],
    'Summed up.\n',
  )
  expect(completed.json()).toMatchObject({
    checkpoint: { status: 'complete', tokensAfter: 90, summary: 'Summed up.' },
  })
  const second = (await store.json(...capture)) as { checkpoint: Checkpoint }
  expect(second.checkpoint.id).not.toBe(first.checkpoint.id)
  expect(await store.json('abandon', second.checkpoint.id)).toEqual({ abandoned: second.checkpoint.id })
  const { checkpoints } = (await store.json('list')) as { checkpoints: Checkpoint[] }
  expect(checkpoints.map(({ id }) => id)).toEqual([first.checkpoint.id])
})
