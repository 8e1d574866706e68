import { appendFile, mkdir, utimes, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
// @boundaries-ignore sessions made by hand are written once, beside the readers that read them
import { boundary, type Fields, prompt, says, summary, uuid } from '../../../../transcripts/test/claude-code-session.ts'
// @boundaries-ignore the same
import { assistant, compaction, header, user } from '../../../../transcripts/test/pi-sessions.ts'

/** A session file that a test writes as its agent would: a line at a time, at its end. */
export interface SessionFile {
  readonly agent: 'pi' | 'claude-code'
  readonly sessionId: string
  readonly path: string
  /** What was written so far. */
  bytes(): Uint8Array
  /** A prompt and its answer. Gives the id of the answer. */
  turn(text?: string): Promise<string>
  /** The lines of a compaction. Gives the id of its boundary. */
  compact(): Promise<string>
  /** The agent goes on from another entry. */
  goBackTo(id: string): void
  /** Any bytes at the end. */
  append(text: string | Uint8Array): Promise<void>
  /** Another content under the same name. */
  rewrite(bytes: Uint8Array): Promise<void>
  /** As if it was last written two minutes ago. */
  rest(): Promise<void>
}

interface Writing {
  readonly agent: 'pi' | 'claude-code'
  readonly sessionId: string
  readonly path: string
  readonly first: readonly object[]
  turnLines(number: number, leaf: string | null, text: string): { lines: readonly object[]; leaf: string }
  compactionLines(number: number, leaf: string | null): { lines: readonly object[]; leaf: string; boundaryId: string }
}

const fileTime = Date.UTC(2026, 0, 2, 3, 4)

/** A pi session of version 3. */
export async function piFile(folder: string, sessionId = 'pi-session', headerFields: object = {}): Promise<SessionFile> {
  return sessionFile({
    agent: 'pi',
    sessionId,
    path: join(folder, `2026-01-02T03-04-00-000Z_${sessionId}.jsonl`),
    first: [header({ id: sessionId, ...headerFields })],
    turnLines: (number, leaf, text) => ({
      lines: [
        { ...user(`u${number}`, leaf, text), timestamp: timeOf(number) },
        { ...assistant(`a${number}`, `u${number}`, `Answer to ${text}`), timestamp: timeOf(number) },
      ],
      leaf: `a${number}`,
    }),
    compactionLines: (number, leaf) => ({
      lines: [{ ...compaction(`c${number}`, leaf, leaf ?? undefined), timestamp: timeOf(number) }],
      leaf: `c${number}`,
      boundaryId: `c${number}`,
    }),
  })
}

/** A session of Claude Code, in a file that has its id as name. */
export async function claudeCodeFile(folder: string, sessionId = '11111111-2222-4333-8444-555555555555'): Promise<SessionFile> {
  const own = (line: Fields): Fields => ({ ...line, sessionId })
  return sessionFile({
    agent: 'claude-code',
    sessionId,
    path: join(folder, `${sessionId}.jsonl`),
    first: [],
    turnLines: (number, leaf, text) => ({
      lines: [own(prompt(4 * number, leaf, text)), own({ ...says(4 * number + 1, 4 * number, `Answer to ${text}`) })],
      leaf: uuid(4 * number + 1),
    }),
    compactionLines: (number) => ({
      lines: [own(boundary(4 * number)), own(summary(4 * number + 1, 4 * number, `Summary ${number}`))],
      leaf: uuid(4 * number + 1),
      boundaryId: uuid(4 * number),
    }),
  })
}

/** A pi session of version 1: no ids, and what is kept is named by its place. */
export function piVersionOneLines(sessionId = 'pi-one'): readonly object[] {
  return [
    { type: 'session', id: sessionId, timestamp: timeOf(0), cwd: '/home/dev/app', provider: 'p', modelId: 'm', thinkingLevel: 'off' },
    { type: 'message', timestamp: timeOf(1), message: { role: 'user', content: 'first' } },
    { type: 'message', timestamp: timeOf(2), message: { role: 'assistant', content: [{ type: 'text', text: 'second' }] } },
    { type: 'message', timestamp: timeOf(3), message: { role: 'user', content: 'third' } },
    { type: 'compaction', timestamp: timeOf(4), summary: 'what was', firstKeptEntryIndex: 3, tokensBefore: 10 },
    { type: 'message', timestamp: timeOf(5), message: { role: 'user', content: 'fourth' } },
  ]
}

/** JSON Lines. */
export function jsonl(lines: readonly object[]): Uint8Array {
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

async function sessionFile(writing: Writing): Promise<SessionFile> {
  const { agent, sessionId, path } = writing
  let bytes: Uint8Array = jsonl(writing.first)
  let number = 0
  let leaf: string | null = null
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, bytes)
  const append = async (text: string | Uint8Array): Promise<void> => {
    bytes = Buffer.concat([bytes, Buffer.from(text)])
    await appendFile(path, text)
  }
  return {
    agent,
    sessionId,
    path,
    bytes: () => bytes,
    append,
    async turn(text) {
      number += 1
      const next = writing.turnLines(number, leaf, text ?? `ask ${number}`)
      await append(jsonl(next.lines))
      leaf = next.leaf
      return leaf
    },
    async compact() {
      number += 1
      const next = writing.compactionLines(number, leaf)
      await append(jsonl(next.lines))
      leaf = next.leaf
      return next.boundaryId
    },
    goBackTo(id) {
      leaf = id
    },
    async rewrite(content) {
      bytes = content
      await writeFile(path, content)
    },
    async rest() {
      const time = new Date(Date.now() - 120_000)
      await utimes(path, time, time)
    },
  }
}

function timeOf(second: number): string {
  return new Date(fileTime + second * 1000).toISOString()
}
