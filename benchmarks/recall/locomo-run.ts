import { createHash } from 'node:crypto'
import { mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { openHost } from '@palimpsest/host'
import { messagesTranscript } from '@palimpsest/transcripts'
import type { PartialReport, RecallOptions } from './corpus-run.ts'
import type { EngineName, IndexCost, RecallEngine } from './engine.ts'
import { type LocomoConversation, readLocomo } from './locomo.ts'
import { locomoMessages, locomoQueries, locomoSessionKey, locomoSessions } from './locomo-task.ts'
import { type Answered, measure } from './measure.ts'
import { openPalimpsestEngine } from './palimpsest-engine.ts'
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

/** The engines over one conversation alone. */
async function openEngines(conversation: LocomoConversation, { folder, engines }: RecallOptions): Promise<readonly RecallEngine[]> {
  const own = join(folder, createHash('sha256').update(conversation.id).digest('hex').slice(0, 16))
  await mkdir(own, { recursive: true })
  const sessions = locomoSessions(conversation)
  const texts = sessions.flatMap(({ entries }) => [...entries.values()].map(({ text }) => text))
  const transcriptBytes = texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0)
  return [
    ...(engines.includes('plain') ? [openPlainEngine({ sessions, transcriptBytes, folder: own })] : []),
    ...(engines.includes('palimpsest') ? [await openOverMessages(conversation, { transcriptBytes, folder: own })] : []),
  ]
}

/** The product over the sessions of a conversation, kept as the histories of a program. */
async function openOverMessages(
  { id, sessions }: LocomoConversation,
  { transcriptBytes, folder }: { readonly transcriptBytes: number; readonly folder: string },
): Promise<RecallEngine> {
  const host = await openHost({ env: {}, homeFolder: join(folder, 'home'), store: join(folder, 'store') })
  for (const session of sessions) {
    const transcript = messagesTranscript(locomoMessages(session), { sessionId: locomoSessionKey(id, session.number) })
    await host.checkpoints.capture({ agent: 'messages', transcript, reason: 'session-end' })
  }
  const engine = await openPalimpsestEngine(host, transcriptBytes)
  return {
    ...engine,
    async close() {
      await engine.close()
      await host.close()
    },
  }
}

function added(before: IndexCost | undefined, cost: IndexCost): IndexCost {
  if (before === undefined) return cost
  return {
    ms: before.ms + cost.ms,
    sizeBytes: before.sizeBytes + cost.sizeBytes,
    transcriptBytes: before.transcriptBytes + cost.transcriptBytes,
  }
}
