import { join } from 'node:path'
import type { Bench, Case, HostWorker, PlainSearchWorker } from '../bench.ts'
import type { Bar, Row } from '../result.ts'
import { median, spread } from '../statistics.ts'
import { variedSessions } from '../varied-sessions.ts'
import { keptSessions, searchedMebibytes } from './index-build.ts'

/** Common in code sessions, and none of them a stop-word. */
const commonWords = ['file', 'test', 'error', 'line']

/** Phrases and common words, asked of the service, against plain FTS5 asked for the numbers of the same entries. */
export const searching: Case = {
  name: 'search',
  async measure(bench) {
    const { folder, rarePhrase, commonPhrase } = await variedSessions(searchedMebibytes(bench))
    const host = await keptSessions(bench, folder)
    const plain = await bench.plainSearch()
    bench.progress('indexing')
    await plain.call('build', { folder, path: join(bench.folder, 'plain.sqlite') })
    await host.call('index', {})
    const words = { query: commonWords.join(' '), match: commonWords.join(' OR ') }
    const stopWords = { query: 'where is the error in this file', match: 'where OR is OR the OR error OR in OR this OR file' }
    const measured = (asked: Asked) => measure(bench, { host, plain, ...asked })
    const rare = await measured({ query: `"${rarePhrase}"`, match: `"${rarePhrase}"`, snippetCharacters: 0, hits: 1 })
    const common = await measured({ query: `"${commonPhrase}"`, match: `"${commonPhrase}"`, snippetCharacters: 0, hits: 20 })
    const shown = await measured({ query: `"${commonPhrase}"`, match: `"${commonPhrase}"`, snippetCharacters: 240, hits: 20 })
    const four = await measured({ ...words, snippetCharacters: 0, hits: 1 })
    const withStopWords = await measured({ ...stopWords, snippetCharacters: 0, hits: 1 })
    const profiled = {
      'a phrase': { query: `"${commonPhrase}"`, snippetCharacters: 240 },
      'four words': { query: words.query, snippetCharacters: 0 },
    }
    for (const [title, asked] of Object.entries(profiled))
      await bench.profile(title, (profile) => host.call('search', { ...asked, profile }))
    return {
      rows: [
        ratioRow('a phrase of one entry, without snippets', rare, { atMost: 3 }),
        ratioRow('a phrase of many entries, without snippets', common, { atMost: 3 }),
        timeRow('a phrase of many entries, with 20 snippets', shown, { atMost: 60 }),
        ratioRow('four common words', four, { atMost: 1 / 3 }),
        ratioRow('a question with stop-words', withStopWords),
      ],
    }
  },
}

interface Asked {
  readonly query: string
  /** The same for plain FTS5. */
  readonly match: string
  readonly snippetCharacters: number
  /** How many hits there are to be on the page; of common words fewer, since what says the same is folded into one and plain FTS5 folds nothing. */
  readonly hits: number
}

interface Times {
  readonly own: number[]
  readonly peer: number[]
  /** On the last page of each. */
  counts: { readonly own: number; readonly peer: number }
}

async function measure(
  bench: Bench,
  { host, plain, query, match, snippetCharacters, hits }: Asked & { readonly host: HostWorker; readonly plain: PlainSearchWorker },
): Promise<Times> {
  const times: Times = { own: [], peer: [], counts: { own: 0, peer: 0 } }
  // These take milliseconds: three times the runs.
  for (let run = 0; run <= bench.runs * 3; run += 1) {
    const own = await host.call('search', { query, snippetCharacters })
    const peer = await plain.call('query', { match })
    if (own.count < hits || peer.count < hits) throw new Error(`${query}: ${own.count} hits, plain FTS5 ${peer.count}, instead of ${hits}`)
    if (snippetCharacters > 0 && own.snippets < hits) throw new Error(`${query}: ${own.snippets} snippets`)
    if (run === 0) continue
    times.counts = { own: own.count, peer: peer.count }
    times.own.push(own.ms)
    times.peer.push(peer.ms)
  }
  return times
}

function ratioRow(what: string, { own, peer, counts }: Times, bar?: Bar): Row {
  return {
    what,
    ours: spread(own, 'ms'),
    peer: `plain FTS5: ${spread(peer, 'ms')}`,
    value: median(own) / median(peer),
    unit: '× the time',
    bar,
    note: `${counts.own} hits, plain FTS5 ${counts.peer}`,
  }
}

function timeRow(what: string, { own, peer }: Times, bar: Bar): Row {
  return { what, ours: spread(own, 'ms'), peer: `plain FTS5, without snippets: ${spread(peer, 'ms')}`, value: median(own), unit: 'ms', bar }
}
