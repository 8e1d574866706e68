import { createHash } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { piSession } from './pi-session.ts'
import { createStore, type Store, scannedStore } from './store.ts'

// diff, recover and report over a real store, where there is less to compare than one hopes for.

const words = {
  messages: 40,
  textOf: (index: number) =>
    index === 1 ? 'Error: the flux capacitor is gone' : `message ${index} ${createHash('sha256').update(`${index}`).digest('hex')}`,
}

/** A store with one compaction, in a folder that is removed afterwards. */
async function compactedStore(): Promise<{ readonly store: Store; readonly file: string; readonly id: string; readonly short: string }> {
  const { store, file, id } = await scannedStore(words)
  onTestFinished(() => store[Symbol.asyncDispose]())
  return { store, file, id, short: id.slice(-8) }
}

async function captured(store: Store, file: string, reason: string): Promise<string> {
  const { checkpoint } = (await store.json('capture', '--agent', 'pi', '--transcript', file, '--reason', reason)) as {
    checkpoint: { id: string }
  }
  return checkpoint.id.slice(-8)
}

/** Overwrites the middle of the largest object that is stored of a session of pi. */
async function damage(store: Store): Promise<void> {
  const objects = join(store.folder, 'store', 'objects')
  const names = (await readdir(objects, { recursive: true })).filter((name) => /-pi\+\/[^/]+$/.test(name))
  const sizes = await Promise.all(names.map(async (name) => ({ path: join(objects, name), size: (await stat(join(objects, name))).size })))
  const { path } = sizes.toSorted((one, other) => other.size - one.size)[0] ?? expect.fail('nothing is stored')
  const bytes = await readFile(path)
  await chmod(path, 0o600)
  await writeFile(path, bytes.fill('?', bytes.length / 2, bytes.length / 2 + 64))
}

describe('of a checkpoint whose compaction is not complete', () => {
  test('pending, by its id or as latest: diff and recover say why, and which compaction can be compared', async () => {
    const { store, file, short } = await compactedStore()
    await writeFile(
      file,
      `${piSession(words).text}${JSON.stringify({ type: 'message', id: 'b0000001', parentId: 'a0000001', message: { role: 'user', content: 'more' } })}\n`,
    )
    const pending = await captured(store, file, 'manual')
    for (const command of [
      ['diff', pending],
      ['diff', 'latest'],
      ['recover', 'latest'],
      ['diff', 'latest', '--json'],
    ]) {
      const refused = await store.run(command)
      expect(refused.status, command.join(' ')).toBe(2)
      const said = refused.stdout + refused.stderr
      expect(said).toContain(`The compaction of checkpoint ${pending} is not confirmed yet`)
      expect(said).toContain(`The newest complete one of this session: palimpsest diff ${short}`)
    }
    expect((await store.run(['diff', short])).status).toBe(0)
    expect((await store.run(['diff', short, 'latest'])).stdout).toContain('added ')
    expect((await store.run(['report'])).stdout).toContain('1 checkpoint without a completed compaction left out.')
  })

  test('of the end of a session: the same, and how to compare it with another one', async () => {
    await using store = await createStore()
    await mkdir(join(store.folder, 'work'))
    const file = join(store.folder, 'work', 'session.jsonl')
    await writeFile(file, piSession(words).beforeCompaction)
    const end = await captured(store, file, 'session-end')
    for (const command of ['diff', 'recover']) {
      const refused = await store.run([command, end])
      expect(refused).toMatchObject({ status: 2, stdout: '' })
      expect(refused.stderr).toContain(`Checkpoint ${end} is of no compaction (session-end): nothing was dropped.`)
      expect(refused.stderr).toContain(`palimpsest diff ${end} ID2. No compaction of this session is complete yet;`)
    }
    expect((await store.run(['report'])).stdout).toBe('No completed compactions. Run: palimpsest scan\n')
  })
})

test('two checkpoints of sessions that share nothing are not compared', async () => {
  const { store, short } = await compactedStore()
  await writeFile(
    join(store.folder, 'work', 's2.jsonl'),
    piSession({ number: 2, messages: 2, textOf: () => 'other' }).text.replaceAll('1000000', '2000000'),
  )
  await store.json('scan', 'work')
  const other = ((await store.json('list')) as { checkpoints: { id: string }[] }).checkpoints.find(({ id }) => !id.endsWith(short))
  const refused = await store.run(['diff', short, other?.id ?? ''])
  expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringContaining('share no entries') })
})

describe('of a checkpoint whose transcript is damaged in storage', () => {
  test('diff, recover and report give what is left, and say what is missing and how it is mended', async () => {
    const { store, short } = await compactedStore()
    await damage(store)
    const missing = '1 range of the transcript is damaged and is in no count. To mend what can be mended: palimpsest verify --repair'
    const diff = await store.run(['diff', short])
    expect(diff).toMatchObject({ status: 0, stdout: expect.stringContaining(missing) })
    expect((await store.run(['diff', short, short])).stdout).toContain('2 ranges of the transcript are damaged')
    const recovered = await store.run(['recover', short])
    expect(recovered).toMatchObject({ status: 0, stderr: `${missing}\n` })
    expect(await store.json('recover', short)).toMatchObject({ gaps: 1, facts: 0 })
    const report = await store.run(['report'])
    expect(report.stdout).toContain(`noted: ${short}: Of its transcript 1 range is damaged in storage`)
    expect(await store.json('report', '--html', 'r.html')).toMatchObject({ problemCount: 1, problems: [{ message: expect.any(String) }] })
    expect(await readFile(join(store.folder, 'r.html'), 'utf8')).toContain('1 checkpoint could not be read, or not wholly')
  })

  test('and is mended from the transcript by the command that they name', async () => {
    const { store, short } = await compactedStore()
    const before = await store.json('diff', short)
    await damage(store)
    expect(await store.json('diff', short)).toMatchObject({ gaps: 1 })
    expect((await store.run(['verify', '--repair'])).status).toBe(0)
    expect(await store.json('diff', short)).toEqual(before)
  })
})

test('a report that can not be written says so, before anything is compared, and leaves what is there', async () => {
  const { store } = await compactedStore()
  await mkdir(join(store.folder, 'a-folder'))
  await writeFile(join(store.folder, 'notes.html'), 'mine')
  for (const path of ['a-folder', 'notes.html', 'notes.html/r.html', 'nowhere/r.html', '/proc/r.html']) {
    const refused = await store.run(['report', '--html', path, '--json'])
    expect(refused.status, path).toBe(6)
    expect(refused.json()).toMatchObject({ error: { code: 'TARGET_REFUSED', message: expect.stringContaining('choose another file') } })
  }
  expect(await readFile(join(store.folder, 'notes.html'), 'utf8')).toBe('mine')
})
