import { randomUUID } from 'node:crypto'

/** The file's name, and so the session. */
export const sessionId = '5c5f0a2e-1111-4222-8333-444455556666'

/** Lines as Claude Code 2.1 writes them, made by hand. */
export function lineOf(type: 'user' | 'assistant', text: string, uuid: string = randomUUID()): string {
  const content = type === 'user' ? text : [{ type: 'text', text }]
  return json({ ...envelope(uuid), type, message: { role: type, content } })
}

/** What Claude Code writes after a compaction: the boundary, then the summary. */
export function compactionLines(options: { readonly trigger: 'manual' | 'auto'; readonly summary: string }): string {
  const boundary = {
    ...envelope(randomUUID()),
    type: 'system',
    subtype: 'compact_boundary',
    content: 'Conversation compacted',
    compactMetadata: { trigger: options.trigger, preTokens: 161_000, postTokens: 4_000 },
  }
  const summary = {
    ...envelope(randomUUID()),
    type: 'user',
    isCompactSummary: true,
    isVisibleInTranscriptOnly: true,
    message: { role: 'user', content: options.summary },
  }
  return json(boundary) + json(summary)
}

/** The input of a hook, with the fields of the real ones. */
export function hookInput(event: string, transcript: string, more: object = {}): string {
  return JSON.stringify({
    session_id: sessionId,
    transcript_path: transcript,
    cwd: '/home/dev/proj',
    prompt_id: 'c81558f9-1542-4a36-987a-5154268cc9f0',
    hook_event_name: event,
    ...more,
  })
}

function envelope(uuid: string): object {
  return {
    uuid,
    parentUuid: null,
    isSidechain: false,
    timestamp: '2026-08-01T10:00:00.000Z',
    sessionId,
    cwd: '/home/dev/proj',
    version: '2.1.330',
  }
}

function json(value: object): string {
  return `${JSON.stringify(value)}\n`
}
