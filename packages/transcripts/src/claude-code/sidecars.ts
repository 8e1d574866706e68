import type { SidecarRule } from '@palimpsest/core'

const safeName = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/

/** Sub-agents' transcripts with what describes them, and tool results too large for a message. */
const sidecarPattern =
  /^(?:subagents\/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*agent-[A-Za-z0-9._-]*\.(?:jsonl|meta\.json)|tool-results\/(?:[A-Za-z0-9_-][A-Za-z0-9._-]*\/)*[A-Za-z0-9_-][A-Za-z0-9._-]*)$/

/** The sidecars of `<id>.jsonl` lie in the folder `<id>` beside it; parts are named relative to that: `subagents/…`, `tool-results/…`. */
export function sidecarsOf(mainFileName: string): readonly SidecarRule[] {
  const folder = mainFileName.endsWith('.jsonl') ? mainFileName.slice(0, -'.jsonl'.length) : ''
  return safeName.test(folder) ? [{ folder, pattern: sidecarPattern, maxDepth: 8 }] : []
}
