import { basename } from 'node:path'
import type { Entry, EntryRole, TranscriptPart } from '@palimpsest/core'
import { findTranscripts, type Host } from '@palimpsest/host'
import { type CorpusCopy, lineDigest } from './corpus-copy.ts'
import { readableStrings } from './readable-strings.ts'
import { type ShellCall, withoutDescriptions } from './shell-calls.ts'

/** An entry that can be found. */
export interface RecallEntry {
  readonly key: string
  readonly id: string
  readonly part: string
  readonly role?: EntryRole | undefined
  /** What the agent wrote in it, as strings joined by line feeds: not what our readers make of it. */
  readonly text: string
  /** The prompt, or the first entry of the model's answer, with which its turn began. */
  readonly turn: string
  /** Its shell calls, with the descriptions that were taken out. */
  readonly calls: readonly ShellCall[]
  /** Files of the same session say different things under this id. */
  readonly ambiguous: boolean
}

/** A session as it is in one or several files. */
export interface IndexedSession {
  /** As `sessionName` makes it. */
  readonly name: string
  readonly agent: string
  readonly sessionKey: string
  readonly entries: ReadonlyMap<string, RecallEntry>
}

/** What the sessions in a folder hold. */
export interface Corpus {
  readonly sessions: readonly IndexedSession[]
  /** Bytes of the session files that were read, with their sidecars. */
  readonly transcriptBytes: number
  /** Files that were found and could not be read. */
  readonly unread: number
}

/** What tells an entry from all others. */
export function entryKey(session: string, part: string, id: string): string {
  return `${session}\n${part}\n${id}`
}

export function sessionName(agent: string, sessionKey: string): string {
  return `${agent}/${sessionKey}`
}

/**
 * Reads every session below a folder, and keeps its states in the host's store: before each compaction, and as it is now, so that every entry can be
 * found in a checkpoint.
 */
export async function readCorpus(host: Host, copy: CorpusCopy): Promise<Corpus> {
  const sessions = new Map<string, { readonly agent: string; readonly sessionKey: string; readonly entries: Map<string, RecallEntry> }>()
  let transcriptBytes = 0
  let unread = 0
  for await (const found of findTranscripts(host, { paths: [copy.folder] })) {
    if ('error' in found) {
      unread += 1
      continue
    }
    const { agent, path } = found
    try {
      const transcript = host.files.origin(path)
      const { sessionKey } = await host.checkpoints.import({ agent, transcript })
      await host.checkpoints.capture({ agent, transcript, reason: 'session-end' })
      const name = sessionName(agent, sessionKey)
      const session = sessions.get(name) ?? { agent, sessionKey, entries: new Map() }
      sessions.set(name, session)
      transcriptBytes += await readSession(host, found, { name, entries: session.entries, described: copy.described })
    } catch {
      unread += 1
    }
  }
  return { sessions: [...sessions].map(([name, session]) => ({ name, ...session })), transcriptBytes, unread }
}

async function readSession(
  host: Host,
  found: { readonly agent: string; readonly path: string },
  into: { readonly name: string; readonly entries: Map<string, RecallEntry>; readonly described: CorpusCopy['described'] },
): Promise<number> {
  const reader = host.readers.find(({ agent }) => agent === found.agent)
  if (reader === undefined) throw new TypeError(`there is no reader for ${found.agent}`)
  const transcript = await host.files.origin(found.path).open({ sidecars: reader.sidecars(basename(found.path)) })
  let sizeBytes = 0
  try {
    for await (const part of transcript.parts()) {
      sizeBytes += part.source.sizeBytes
      let turn = { id: 'start', answers: false }
      for await (const entry of reader.entries(transcript, { part: part.name })) {
        if (entry.kind === 'bad') continue
        turn = nextTurn(turn, entry)
        // Lines in which the reader finds nothing repeat what other lines say, or settings.
        if (entry.text !== '') await add(entry, { part, turn: turn.id, ...into })
      }
    }
  } finally {
    await transcript.close()
  }
  return sizeBytes
}

/** A turn is a prompt, or one answer of the model with the results of the tools it called. */
function nextTurn(turn: { readonly id: string; readonly answers: boolean }, { kind, role, id }: Entry): { id: string; answers: boolean } {
  if (kind !== 'message' || role === undefined) return turn
  if (role === 'user') return { id, answers: false }
  if (role === 'assistant') return turn.answers ? turn : { id, answers: true }
  return { id: turn.id, answers: false }
}

async function add(
  entry: Entry,
  {
    part,
    turn,
    name,
    entries,
    described,
  }: {
    readonly part: TranscriptPart
    readonly turn: string
    readonly name: string
    readonly entries: Map<string, RecallEntry>
    readonly described: CorpusCopy['described']
  },
): Promise<void> {
  const bytes = Buffer.from(await part.source.read(entry.start, entry.end))
  const line = bytes.at(-1) === 10 ? bytes.subarray(0, -1) : bytes
  const parsed = jsonOf(line)
  const strings = parsed === undefined ? entry.text : readableStrings(parsed).join('\n')
  const key = entryKey(name, part.name, entry.id)
  const before = entries.get(key)
  entries.set(key, {
    key,
    id: entry.id,
    part: part.name,
    ...(entry.role === undefined ? {} : { role: entry.role }),
    text: strings,
    turn,
    calls: described.get(lineDigest(line)) ?? withoutDescriptions(parsed).calls,
    ambiguous: before !== undefined && (before.ambiguous || before.text !== strings),
  })
}

function jsonOf(line: Buffer): unknown {
  try {
    return JSON.parse(line.toString())
  } catch {
    return undefined
  }
}
