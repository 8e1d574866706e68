import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Bench, type Case, type OpenClawWorker, type OurWorker, peerMissing } from '../bench.ts'
import { storeOfSessions } from '../prepared-stores.ts'
import type { Bar, Row } from '../result.ts'
import { richSessionKey } from '../session-names.ts'
import { median, spread } from '../statistics.ts'
import { realSummary } from './stored-bytes.ts'

const peerSessionCount = 300
const counts = [100, 10_000] as const

/**
 * The 25 checkpoints of one session among 10,000, and one checkpoint by its whole id, against the load of OpenClaw's index. The bars are for a
 * service that lives on, as in a server or a plug-in, and reads the ledger each time; what a new one takes is shown beside.
 */
export const listing: Case = {
  name: 'list',
  async measure(bench) {
    const [ours, peer] = await Promise.all([bench.ours(), bench.openClawWorker()])
    const summary = (await realSummary()).slice(0, 1800)
    const stores = { 100: await storeOfSessions(bench, ours, 100, summary), 10000: await storeOfSessions(bench, ours, 10_000, summary) }
    const index = join(bench.folder, 'sessions.json')
    await writeFile(index, JSON.stringify(peerIndex(summary), null, 2))
    const times = await measured({ bench, ours, peer, stores, index })
    const rich = { store: stores[10_000], sessionKey: richSessionKey }
    const id = await ours.call('newestId', rich)
    await bench.profile('list 25 of one session', (profile) => ours.call('list', { ...rich, profile }))
    await bench.profile('show by whole id', (profile) => ours.call('show', { store: rich.store, id, profile }))
    const { list, show } = times
    const bar = { atLeast: 150 }
    return {
      rows: [
        ...againstPeer(bench, 'list 25 checkpoints of one of 10,000 sessions', list[10_000], times, bar),
        ...againstPeer(bench, 'show by whole id in 10,000 sessions', show[10_000], times, bar),
        ...againstPeer(bench, 'list 25 checkpoints of one of 10,000 sessions, by a service that has read nothing', times.firstList, times),
        ...againstPeer(bench, 'show by whole id in 10,000 sessions, by a service that has read nothing', times.firstShow, times),
        flatness('list of one session, 10,000 sessions against 100', list),
        flatness('show by whole id, 10,000 sessions against 100', show),
      ],
    }
  },
}

type ByCount = Record<(typeof counts)[number], number[]>

interface Times {
  readonly list: ByCount
  readonly show: ByCount
  /** In 10,000 sessions, by a service that is new each time. */
  readonly firstList: readonly number[]
  readonly firstShow: readonly number[]
  readonly peer: readonly number[]
  readonly peerCached: readonly number[]
}

async function measured(input: {
  bench: Bench
  ours: OurWorker
  peer: OpenClawWorker | undefined
  stores: Record<(typeof counts)[number], string>
  index: string
}): Promise<Times> {
  const { bench, ours, peer, stores, index } = input
  const times = {
    list: emptyByCount(),
    show: emptyByCount(),
    firstList: [] as number[],
    firstShow: [] as number[],
    peer: [] as number[],
    peerCached: [] as number[],
  }
  const ids = new Map<number, string>()
  for (const count of counts) ids.set(count, await ours.call('newestId', { store: stores[count], sessionKey: richSessionKey }))
  // These take a millisecond or so: three times the runs.
  for (let run = 0; run <= bench.runs * 3; run += 1) {
    for (const count of run % 2 === 0 ? counts : counts.toReversed()) {
      const listed = await ours.call('list', { store: stores[count], sessionKey: richSessionKey })
      if (listed.count !== 25) throw new Error(`listed ${listed.count} checkpoints of 25`)
      const shown = await ours.call('show', { store: stores[count], id: ids.get(count) ?? '' })
      if (run > 0) times.list[count].push(listed.ms)
      if (run > 0) times.show[count].push(shown.ms)
    }
    const store = stores[10_000]
    const first = [
      await ours.call('list', { store, sessionKey: richSessionKey, fresh: true }),
      await ours.call('show', { store, id: ids.get(10_000) ?? '', fresh: true }),
    ] as const
    if (run > 0) times.firstList.push(first[0].ms)
    if (run > 0) times.firstShow.push(first[1].ms)
    if (run % 3 !== 0) continue
    for (const [skipCache, into] of [[true, times.peer] as const, [false, times.peerCached] as const]) {
      const loaded = await peer?.call('loadSessions', { path: index, sessionKey: peerKey(0), skipCache })
      if (loaded !== undefined && loaded.count !== 25) throw new Error(`OpenClaw listed ${loaded.count} checkpoints of 25`)
      if (run > 0 && loaded !== undefined) into.push(loaded.ms)
    }
  }
  return times
}

function emptyByCount(): ByCount {
  return { 100: [], 10000: [] }
}

function againstPeer(bench: Bench, what: string, own: readonly number[], times: Times, bar?: Bar): readonly Row[] {
  if (times.peer.length === 0) return [peerMissing(what, bench.openClaw)]
  return [
    {
      what,
      ours: spread(own, 'ms'),
      peer: spread(times.peer, 'ms'),
      value: median(times.peer) / median(own),
      unit: '× faster',
      bar,
      note: `OpenClaw's index holds ${peerSessionCount} sessions of 25 checkpoints, read anew as its writes do; from its cache in a process that lives on it takes ${spread(times.peerCached, 'ms')}`,
    },
  ]
}

function flatness(what: string, times: ByCount): Row {
  return {
    what,
    ours: spread(times[10_000], 'ms'),
    peer: `100 sessions: ${spread(times[100], 'ms')}`,
    value: median(times[10_000]) / median(times[100]),
    unit: '× the time',
    bar: { atMost: 1.5 },
  }
}

function peerKey(session: number): string {
  return `agent:main:session-${session}`
}

/** What OpenClaw keeps of its sessions, with as many checkpoints each as it keeps at most. */
function peerIndex(summary: string): object {
  const now = Date.now()
  const sessions = Array.from({ length: peerSessionCount }, (_, session) => {
    const sessionId = `00000000-0000-4000-8000-${String(session).padStart(12, '0')}`
    const compactionCheckpoints = Array.from({ length: 25 }, (__, checkpoint) => ({
      checkpointId: `00000000-0000-4000-9000-${String(session * 25 + checkpoint).padStart(12, '0')}`,
      sessionKey: peerKey(session),
      sessionId,
      createdAt: now - checkpoint * 60_000,
      reason: 'auto-threshold',
      tokensBefore: 180_000,
      tokensAfter: 20_000,
      summary,
      firstKeptEntryId: '0000000a',
      preCompaction: { sessionId, sessionFile: `/home/dev/sessions/${sessionId}.checkpoint.${checkpoint}.jsonl`, leafId: '0000000b' },
      postCompaction: { sessionId, sessionFile: `/home/dev/sessions/${sessionId}.jsonl`, leafId: '0000000c', entryId: '0000000c' },
    }))
    return [peerKey(session), { sessionId, updatedAt: now, compactionCheckpoints }]
  })
  return Object.fromEntries(sessions)
}
