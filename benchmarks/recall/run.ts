import { mkdir, rm, stat, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { fixturesFolder, workFolder } from '../places.ts'
import { barsOf, isMissedBar } from './bars.ts'
import { type RecallOptions, runCorpus } from './corpus-run.ts'
import type { EngineName } from './engine.ts'
import { runLocomo } from './locomo-run.ts'
import { type RecallReport, recallMarkdown } from './recall-report.ts'
import type { Split } from './split.ts'

const usage =
  'usage: node benchmarks/recall/run.ts [--corpus FOLDER]… [--locomo FILE] [--split dev|test] [--engine plain|palimpsest] [--misses FILE] [--json]'
const engineNames: readonly EngineName[] = ['plain', 'palimpsest']
const halves: readonly Split[] = ['dev', 'test']

const flags = parsedFlags()
const folder = join(workFolder, 'recall', String(process.pid))
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void leave(130))
const report = await run().catch(async (error: unknown) => {
  console.error(error)
  return leave(1)
})
console.log(flags.json ? JSON.stringify(report, null, 2) : recallMarkdown(report))
await leave(report.bars.some(isMissedBar) ? 1 : 0)

async function run(): Promise<RecallReport> {
  const options: Omit<RecallOptions, 'folder'> = {
    engines: flags.engines,
    splits: flags.splits,
    progress: (text) => console.error(`     ${text}`),
  }
  const sources = [...(await existing(fixturesFolder)), ...flags.corpus]
  const sessions = sources.length === 0 ? undefined : await runCorpus(sources, { ...options, folder: await made('sessions') })
  const locomo = flags.locomo === undefined ? undefined : await runLocomo(flags.locomo, { ...options, folder: await made('locomo') })
  if (flags.misses !== undefined) await writeFile(flags.misses, sessions?.misses ?? '')
  const parts = [sessions, locomo].filter((part) => part !== undefined)
  const results = parts.flatMap((part) => part.results)
  const missing = [
    ...(sessions === undefined
      ? [{ what: 'exact evidence, purpose to command', why: `no sessions: neither ${fixturesFolder} nor --corpus` }]
      : []),
    ...(locomo === undefined ? [{ what: 'LoCoMo', why: 'no --locomo FILE' }] : []),
  ]
  return {
    corpusHash: [sessions?.corpusHash, locomo?.fileHash].filter((hash) => hash !== undefined).join('+') || 'none',
    corpus: sessions?.corpus ?? { files: 0, sizeBytes: 0, sessions: 0, unreadFiles: 0 },
    index: parts.flatMap((part) => part.index),
    results,
    bars: barsOf(results),
    splitBy: Object.assign({}, ...parts.map((part) => part.splitBy)),
    notRun: [...missing, ...parts.flatMap((part) => part.notRun)],
  }
}

function parsedFlags() {
  const { values } = parseArgs({
    options: {
      corpus: { type: 'string', multiple: true, default: [] },
      locomo: { type: 'string' },
      split: { type: 'string' },
      engine: { type: 'string' },
      misses: { type: 'string' },
      json: { type: 'boolean', default: false },
    },
  })
  const splits = halves.filter((half) => values.split === undefined || half === values.split)
  const engines = engineNames.filter((name) => values.engine === undefined || name === values.engine)
  if (splits.length === 0 || engines.length === 0) {
    console.error(usage)
    process.exit(2)
  }
  return { ...values, corpus: values.corpus.map((path) => resolve(path)), splits, engines }
}

async function existing(path: string): Promise<readonly string[]> {
  return (await stat(path).catch(() => undefined)) === undefined ? [] : [path]
}

async function made(name: string): Promise<string> {
  const path = join(folder, name)
  await mkdir(path, { recursive: true, mode: 0o700 })
  return path
}

async function leave(status: number): Promise<never> {
  await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  process.exit(status)
}
