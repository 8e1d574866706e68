import { describe, expect, test } from 'vitest'
import { commandLine } from './command-line.ts'
import { fakeHost, pruneReport } from './fake-host.ts'
import { scannedStore } from './store.ts'

const session = {
  agent: 'pi',
  sessionKey: 'session-one',
  checkpointIds: ['a', 'b'],
  purgedIds: ['c'],
  freedBytes: 4096,
  trashBytes: 2048,
  orphanedObjects: 3,
  evicted: true,
}

describe('prune', () => {
  test('passes on what it is told, over what is configured', async () => {
    const host = fakeHost()
    const configured = { ...host.configuration, retention: { maxCheckpoints: 9, maxBytes: 7 } }
    const argv = ['prune', '--dry-run', '--max-checkpoints', '25', '--max-age', '90d', '--empty-trash', '--json']
    const { status, json } = await commandLine(argv, { host: { ...host, configuration: configured } })
    expect(status).toBe(0)
    expect(json()).toEqual(pruneReport())
    expect(host.calls).toMatchObject([
      { args: [{ dryRun: true, trashMs: 0, retention: { maxCheckpoints: 25, maxAgeMs: 7_776_000_000, maxBytes: 7 } }] },
    ])
  })

  test('says of each session what goes, how much comes back, and what is left', async () => {
    const pruned = pruneReport({
      sessions: [session],
      checkpoints: 2,
      purged: 1,
      freedBytes: 4096,
      trashBytes: 2048,
      orphanedObjects: 3,
      storedBytes: 10_240,
      problems: [{ name: 'sessions/x-pi', message: 'damaged' }],
    })
    const { status, stdout, stderr } = await commandLine(['prune', '--max-bytes', '5kB'], { host: fakeHost({ pruned }) })
    expect(status).toBe(0)
    expect(stdout).toMatch(/^pi +session-one +2 +1 +4\.0 KiB +2\.0 KiB +evicted$/m)
    expect(stdout).toContain('2 checkpoints to the trash · 1 checkpoint for good · 3 orphaned objects · 4.0 KiB came back · 10 KiB stored')
    expect(stdout).toContain('or now with: palimpsest prune --empty-trash')
    expect(stdout).toContain('Still over 4.9 KiB')
    expect(stderr).toContain('not readable: sessions/x-pi: damaged')
  })

  test('of nothing says so', async () => {
    const { stdout } = await commandLine(['prune'], { host: fakeHost({ pruned: pruneReport({ storedBytes: 99 }) }) })
    expect(stdout).toBe('Nothing to prune: 99 B stored.\n')
  })

  test.each([
    ['--max-age', 'soon'],
    ['--max-bytes', '10 stones'],
    ['--max-checkpoints', '-1'],
  ])('%s %s is refused', async (flag, text) => {
    const { status, json } = await commandLine(['prune', `${flag}=${text}`, '--json'], { host: fakeHost() })
    expect([status, json()]).toMatchObject([2, { error: { code: 'ARGUMENT_INVALID', details: { argument: flag } } }])
  })

  test('frees a deleted session on a real store, and a dry run says the same and does nothing', async () => {
    const { store, id } = await scannedStore()
    await using _folder = store
    await store.json('delete', id)
    const dry = (await store.json('prune', '--empty-trash', '--dry-run')) as object
    const run = (await store.json('prune', '--empty-trash')) as { freedBytes: number; storedBytes: number }
    expect(run).toEqual({ ...dry, dryRun: false })
    expect([run.freedBytes > 0, run.storedBytes]).toEqual([true, 0])
    expect(await store.json('sessions')).toMatchObject({ sessions: [] })
    expect(await store.json('verify')).toMatchObject({ damaged: [], checkpoints: 0 })
  })
})
