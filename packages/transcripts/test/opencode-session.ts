/** Lines of OpenCode sessions, as an export of the database has them. */

export const sessionId = 'ses_dfaf000000ffeAAAAAAAAAAAAAA'

export type Data = Readonly<Record<string, unknown>>

/** `n` in the place where ids have their time. */
export function messageId(n: number): string {
  return `msg_${n.toString(16).padStart(12, '0')}001AAAAAAAAAA`
}

/** The id of the `n`th part. */
export function partId(n: number): string {
  return `prt_${n.toString(16).padStart(12, '0')}001AAAAAAAAAA`
}

/** The bytes of lines. */
export function linesOf(rows: readonly Data[]): Uint8Array {
  return Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))
}

export function header(extra: Data = {}): Data {
  return {
    type: 'opencode-session',
    format: 1,
    id: sessionId,
    slug: 'quiet-eagle',
    directory: '/home/dev/shop',
    version: '1.18.33',
    time_created: 1_700_000_000_000,
    ...extra,
  }
}

/** A message and its parts, whose ids are numbered from the message's own number on. */
export function message(n: number, data: Data, parts: readonly Data[]): readonly Data[] {
  const time = 1_700_000_000_000 + n
  return [
    { type: 'message', id: messageId(n), time_created: time, data },
    ...parts.map((part, at) => ({ type: 'part', id: partId(n + at), message_id: messageId(n), time_created: time + at, data: part })),
  ]
}

export function prompt(n: number, text: string): readonly Data[] {
  return message(n, { role: 'user', time: { created: n }, agent: 'build', model: { providerID: 'mock', modelID: 'm' } }, [
    { type: 'text', text },
  ])
}

/** An answer with the parts that the client writes around it. */
export function answer(n: number, to: number, parts: readonly Data[], extra: Data = {}): readonly Data[] {
  const data = {
    parentID: messageId(to),
    role: 'assistant',
    mode: 'build',
    tokens: { total: n * 10 + 5, input: n * 10, output: 5, reasoning: 0, cache: { read: 0, write: 0 } },
    finish: 'stop',
    ...extra,
  }
  return message(n, data, [{ type: 'step-start' }, ...parts, { type: 'step-finish', reason: 'stop' }])
}

export function says(text: string): Data {
  return { type: 'text', text }
}

/** A tool that ran. Its arguments are in an order that is not that of the alphabet. */
export function ran(tool: string, output: string, time: Data = { start: 1, end: 2 }): Data {
  return { type: 'tool', tool, callID: `call_${tool}`, state: { status: 'completed', input: { path: 'a.ts', all: true }, output, time } }
}

/** A request for a compaction and its answer. */
export function compaction(n: number, request: Data = { auto: false }, extra: Data = {}): readonly Data[] {
  return [
    ...message(n, { role: 'user', agent: 'build' }, [{ type: 'compaction', ...request }]),
    ...answer(n + 10, n, [says(`summary ${n}`)], { summary: true, mode: 'compaction', agent: 'compaction', ...extra }),
  ]
}

/** Two turns, one with a tool, a compaction, a turn, a compaction that keeps that turn, another turn. */
export function twoCompactions(): readonly Data[] {
  return [
    header(),
    ...prompt(0x100, 'first'),
    ...answer(0x110, 0x100, [{ type: 'reasoning', text: 'hm' }, ran('read', 'content of a'), says('one')]),
    ...prompt(0x120, 'second'),
    ...answer(0x130, 0x120, [says('two')]),
    ...compaction(0x200),
    ...prompt(0x300, 'third'),
    ...answer(0x310, 0x300, [says('three')]),
    ...compaction(0x400, { auto: true, overflow: false, tail_start_id: messageId(0x300) }),
    ...message(0x500, { role: 'user' }, [{ type: 'text', synthetic: true, text: 'Continue if you have next steps' }]),
    ...answer(0x510, 0x500, [says('four')]),
  ]
}
