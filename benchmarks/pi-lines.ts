import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

interface PiLine {
  readonly type: string
  readonly timestamp: string
  readonly message?: { readonly timestamp?: number; readonly toolCallId?: string; readonly content?: unknown }
  readonly firstKeptEntryIndex?: number
}

const dayMs = 24 * 60 * 60_000

/**
 * A pi session (v3) without end: a header, then the entries of two real sessions over and over, each time under new entry and tool call ids
 * and on later days, each entry the child of the one before. The same every time.
 */
export async function* piLines(fixturesFolder: string): AsyncGenerator<string, never, undefined> {
  const files = await Promise.all(
    ['before-compaction.jsonl', 'large-session.jsonl'].map((name) => linesOf(join(fixturesFolder, 'pi', name))),
  )
  yield JSON.stringify({
    type: 'session',
    version: 3,
    id: '019b0000-0000-7000-8000-000000000001',
    timestamp: '2025-12-09T00:00:00.000Z',
    cwd: '/home/dev/project',
  })
  let count = 0
  for (let round = 0; ; round += 1) {
    for (const lines of files) {
      const first = count
      for (const line of lines) {
        yield JSON.stringify(entryOf(line, { round, count, first }))
        count += 1
      }
    }
  }
}

async function linesOf(path: string): Promise<readonly PiLine[]> {
  const text = await readFile(path, 'utf8')
  const [, ...lines] = text.trimEnd().split('\n')
  return lines.map((line) => JSON.parse(line))
}

function entryOf(line: PiLine, at: { round: number; count: number; first: number }): object {
  const { type, timestamp, firstKeptEntryIndex, message, ...rest } = line
  return {
    type,
    id: entryId(at.count),
    parentId: at.count === 0 ? null : entryId(at.count - 1),
    timestamp: new Date(Date.parse(timestamp) + at.round * dayMs).toISOString(),
    ...rest,
    ...(message === undefined ? {} : { message: messageOf(message, at.round) }),
    // The index of the old format counts the header too.
    ...(firstKeptEntryIndex === undefined ? {} : { firstKeptEntryId: entryId(at.first + Math.max(firstKeptEntryIndex - 1, 0)) }),
  }
}

function messageOf(message: NonNullable<PiLine['message']>, round: number): object {
  const { timestamp, toolCallId, content, ...rest } = message
  return {
    ...rest,
    ...(toolCallId === undefined ? {} : { toolCallId: renewed(toolCallId, round) }),
    ...(content === undefined ? {} : { content: Array.isArray(content) ? content.map((item) => contentOf(item, round)) : content }),
    ...(timestamp === undefined ? {} : { timestamp: timestamp + round * dayMs }),
  }
}

function contentOf(item: unknown, round: number): unknown {
  const isCall = typeof item === 'object' && item !== null && 'type' in item && item.type === 'toolCall'
  return isCall && 'id' in item && typeof item.id === 'string' ? { ...item, id: renewed(item.id, round) } : item
}

function renewed(id: string, round: number): string {
  return id.slice(0, -4) + round.toString(36).padStart(4, '0')
}

/** Eight hex digits, another for every count: an odd factor permutes the 32-bit numbers. */
function entryId(count: number): string {
  return (Math.imul(count + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, '0')
}
