import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { PartialReport, RecallOptions } from './corpus-run.ts'
import type { EngineName, IndexCost, RecallEngine } from './engine.ts'
import { type LocomoConversation, readLocomo } from './locomo.ts'
import { locomoQueries, locomoSessions } from './locomo-task.ts'
import { type Answered, measure } from './measure.ts'
import { openPlainEngine } from './plain-engine.ts'
import { type Split, splitter } from './split.ts'
import { taskResults } from './task-result.ts'

/** So many hits that most sessions are among them. */
const locomoHits = 100

/** LoCoMo: each conversation has an index of its own, and its questions are asked there. */
export async function runLocomo(file: string, options: RecallOptions): Promise<PartialReport & { readonly fileHash: string }> {
  const bytes = await readFile(file)
  const conversations = readLocomo(bytes.toString())
  const split = splitter(conversations.flatMap(locomoQueries))
  const splitOf = ({ query }: Answered): Split => split.of(query)
  const answered = new Map<EngineName, Answered[]>()
  const costs = new Map<EngineName, IndexCost>()
  for (const conversation of conversations) {
    options.progress(`LoCoMo: ${conversation.id}, ${conversation.questions.length} questions`)
    const asked = locomoQueries(conversation).filter((query) => options.splits.includes(split.of(query)))
    for (const engine of await openEngines(conversation, options)) {
      try {
        answered.set(engine.name, [...(answered.get(engine.name) ?? []), ...(await measure(engine, asked, locomoHits))])
        costs.set(engine.name, added(costs.get(engine.name), engine.index))
      } finally {
        await engine.close()
      }
    }
  }
  const unanswerable = conversations.reduce((sum, conversation) => sum + conversation.unanswerable, 0)
  return {
    fileHash: createHash('sha256').update(bytes).digest('hex').slice(0, 16),
    index: [...costs].map(([engine, cost]) => ({ of: 'LoCoMo', engine, ...cost })),
    results: [...answered].flatMap(([engine, answers]) => taskResults('LoCoMo', engine, answers, { splits: options.splits, splitOf })),
    splitBy: { LoCoMo: split.by },
    notRun: unanswerable === 0 ? [] : [{ what: `${unanswerable} questions of LoCoMo`, why: 'they name no turn as evidence' }],
  }
}

async function openEngines(conversation: LocomoConversation, { folder }: RecallOptions): Promise<readonly RecallEngine[]> {
  const own = join(folder, createHash('sha256').update(conversation.id).digest('hex').slice(0, 16))
  await mkdir(own, { recursive: true })
  const sessions = locomoSessions(conversation)
  const transcriptBytes = sessions.reduce(
    (sum, { entries }) => sum + [...entries.values()].reduce((bytes, { text }) => bytes + Buffer.byteLength(text), 0),
    0,
  )
  return [openPlainEngine({ sessions, transcriptBytes, folder: own })]
}

function added(before: IndexCost | undefined, cost: IndexCost): IndexCost {
  if (before === undefined) return cost
  return {
    ms: before.ms + cost.ms,
    sizeBytes: before.sizeBytes + cost.sizeBytes,
    transcriptBytes: before.transcriptBytes + cost.transcriptBytes,
  }
}
