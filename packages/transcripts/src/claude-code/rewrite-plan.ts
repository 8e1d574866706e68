import { type AbortOptions, CheckpointError, type EntryIndex, growingIndex, type TranscriptSource } from '@palimpsest/core'
import { branchAt } from './branch.ts'
import { readStructure } from './entries.ts'

/** How much of the main part a copy takes: its bytes up to `end`, which is at the start of a line or the end of the part. */
export interface RewritePlan {
  readonly end: number
  /** The first prompt of the copy: the line in which the agent says where a session was forked from. */
  readonly firstPromptLine: number | undefined
}

/**
 * A copy is always a prefix of the transcript: the client goes on at the last line of the main branch, so the prefix ends before the first line
 * behind the leaf that moves it. That is the whole transcript where the leaf is its last. With `dropUnanswered` the prefix ends before the last
 * prompt on the branch, if neither the model nor a tool said anything after it: an automatic compaction is written behind the prompt that set it
 * off. What hangs off the prompt goes with it. A command of the client's own is no prompt, and a session of nothing but the prompt is left
 * as it is. Throws `TRANSCRIPT_MALFORMED` when no entry has the leaf's id.
 */
export async function planRewrite(
  source: TranscriptSource,
  options: AbortOptions & { readonly leafId: string; readonly dropUnanswered?: boolean | undefined; readonly path?: string | undefined },
): Promise<RewritePlan> {
  const dropped = options.dropUnanswered === true ? await endBeforeUnanswered(source, options) : undefined
  let firstPromptLine: number | undefined
  let isBehindLeaf = false
  let end = source.sizeBytes
  for await (const line of readStructure(source, { part: 'main', signal: options.signal })) {
    if ('kind' in line || line.indexed.leafId === undefined) continue
    const { indexed } = line
    if (isBehindLeaf) {
      end = indexed.start
      break
    }
    if (indexed.role === 'user' && indexed.note !== 'beside') firstPromptLine ??= indexed.line
    isBehindLeaf = indexed.id === options.leafId
  }
  if (!isBehindLeaf) throw noSuchLeaf(options.leafId, options.path)
  return { end: Math.min(end, dropped ?? end), firstPromptLine }
}

function noSuchLeaf(leafId: string, path: string | undefined): CheckpointError {
  return new CheckpointError(
    'TRANSCRIPT_MALFORMED',
    `No entry of the session's own branches has the id ${leafId}, so that no session can stand there. Choose the id of one of its entries.`,
    path === undefined ? {} : { path },
  )
}

async function endBeforeUnanswered(
  source: TranscriptSource,
  options: AbortOptions & { readonly leafId: string },
): Promise<number | undefined> {
  const index = await readIndex(source, options)
  const branch = branchAt(index, options.leafId, 'all').positions
  const prompt = unansweredPrompt(index, branch)
  return prompt === undefined ? undefined : endBefore(index, prompt, new Set(branch))
}

async function readIndex(source: TranscriptSource, options: AbortOptions): Promise<EntryIndex> {
  const index = growingIndex()
  for await (const line of readStructure(source, { part: 'main', signal: options.signal })) {
    if ('kind' in line) continue
    index.add(line.indexed)
  }
  return index
}

function unansweredPrompt(index: EntryIndex, branch: readonly number[]): number | undefined {
  let prompt: number | undefined
  for (const position of [...branch].reverse()) {
    const kind = index.kindOf(position)
    const role = index.roleOf(position)
    if (role === 'assistant' || role === 'tool' || kind === 'summary' || kind === 'boundary') return prompt
    if (role === 'user' && kind === 'message' && index.noteOf(position) === undefined) prompt = position
  }
  return undefined
}

/** Before the prompt; or before what was abandoned between it and the entry that it hangs off, so that this is the last again. */
function endBefore(index: EntryIndex, prompt: number, branch: ReadonlySet<number>): number | undefined {
  const parent = index.parentOf(prompt) ?? prompt
  for (let position = parent + 1; position < prompt; position++) {
    if (index.movesLeaf(position) && !branch.has(position)) return index.startOf(position)
  }
  return index.startOf(prompt)
}
