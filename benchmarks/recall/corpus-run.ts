import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { openHost } from '@palimpsest/host'
import { type Corpus, readCorpus } from './corpus.ts'
import { copyCorpus } from './corpus-copy.ts'
import type { EngineName, RecallEngine } from './engine.ts'
import { exactEvidence } from './exact-evidence.ts'
import { type Answered, measure } from './measure.ts'
import { missesMarkdown } from './misses.ts'
import { openPalimpsestEngine } from './palimpsest-engine.ts'
import { openPlainEngine } from './plain-engine.ts'
import { purposeToCommand } from './purpose-to-command.ts'
import type { RecallQuery } from './recall-query.ts'
import type { RecallReport } from './recall-report.ts'
import { type Split, splitter } from './split.ts'
import { type TaskName, taskResults } from './task-result.ts'

/** What of a report one part of a run gives. */
export type PartialReport = Pick<RecallReport, 'index' | 'results' | 'splitBy' | 'notRun'>

/** What both parts of a run are asked. */
export interface RecallOptions {
  readonly engines: readonly EngineName[]
  readonly splits: readonly Split[]
  /** Empty, for this part alone. */
  readonly folder: string
  progress(text: string): void
}

/** Exact evidence and purposes, over the sessions in folders. `misses` are those of the product on `dev`. */
export async function runCorpus(
  sources: readonly string[],
  options: RecallOptions,
): Promise<PartialReport & Pick<RecallReport, 'corpus' | 'corpusHash'> & { readonly misses: string }> {
  const { folder, progress } = options
  const copy = await copyCorpus(sources, join(folder, 'corpus'))
  progress(`copied ${copy.files} files, took the descriptions out of ${copy.described.size} lines`)
  const host = await openHost({ env: {}, homeFolder: join(folder, 'home'), store: join(folder, 'store') })
  const engines: RecallEngine[] = []
  try {
    const corpus = await readCorpus(host, copy)
    progress(`kept ${corpus.sessions.length} sessions`)
    const plain = openPlainEngine({
      sessions: corpus.sessions,
      transcriptBytes: corpus.transcriptBytes,
      folder: await made(join(folder, 'plain')),
    })
    // Plain counts occurrences, whether it is measured or not.
    engines.push(plain)
    if (options.engines.includes('palimpsest')) engines.push(await openPalimpsestEngine(host, corpus.transcriptBytes))
    const tasks: readonly { readonly task: TaskName; readonly queries: readonly RecallQuery[]; readonly none: string }[] = [
      {
        task: 'exact evidence',
        queries: await exactEvidence(host, corpus.sessions, plain),
        none: 'no compaction dropped anything that occurs once',
      },
      { task: 'purpose to command', queries: purposeToCommand(corpus.sessions), none: 'no shell call says what it is for' },
    ]
    const measured = await measureTasks(
      tasks,
      engines.filter(({ name }) => options.engines.includes(name)),
      options,
      corpus,
    )
    return {
      corpusHash: copy.hash,
      corpus: { files: copy.files, sizeBytes: copy.sizeBytes, sessions: corpus.sessions.length, unreadFiles: corpus.unread },
      index: engines.map(({ name, index }) => ({ of: 'sessions', engine: name, ...index })),
      ...measured,
    }
  } finally {
    for (const engine of engines) await engine.close()
    await host.close()
  }
}

async function measureTasks(
  tasks: readonly { readonly task: TaskName; readonly queries: readonly RecallQuery[]; readonly none: string }[],
  engines: readonly RecallEngine[],
  { splits, progress }: RecallOptions,
  { sessions }: Corpus,
): Promise<Pick<PartialReport, 'results' | 'splitBy' | 'notRun'> & { readonly misses: string }> {
  const results = []
  const splitBy: Partial<Record<TaskName, 'session' | 'turn'>> = {}
  const notRun = []
  const misses: string[] = []
  for (const { task, queries, none } of tasks) {
    if (queries.length === 0) {
      notRun.push({ what: task, why: none })
      continue
    }
    const split = splitter(queries)
    splitBy[task] = split.by
    const splitOf = ({ query }: Answered): Split => split.of(query)
    const asked = queries.filter((query) => splits.includes(split.of(query)))
    for (const engine of engines) {
      progress(`${task}: ${asked.length} queries, ${engine.name}`)
      const answered = await measure(engine, asked)
      results.push(...taskResults(task, engine.name, answered, { splits, splitOf }))
      const dev = answered.filter((answer) => splitOf(answer) === 'dev')
      misses.push(`## ${task}, ${engine.name}, dev`, '', missesMarkdown(dev, sessions, mostMisses))
    }
  }
  return { results, splitBy, notRun, misses: misses.join('\n') }
}

const mostMisses = 80

async function made(folder: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  return folder
}
