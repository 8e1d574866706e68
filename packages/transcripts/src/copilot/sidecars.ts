import type { SidecarRule } from '@palimpsest/core'

/** What lies beside `events.jsonl` and belongs to the session: what it is called, its plan, and the summaries of its compactions. */
const pattern = /^(?:workspace\.yaml|plan\.md|checkpoints\/[A-Za-z0-9_-][A-Za-z0-9._-]*\.md)$/

/** The sidecars of a session lie in its own folder, beside its events. */
export function copilotSidecars(mainFileName: string): readonly SidecarRule[] {
  return mainFileName === 'events.jsonl' ? [{ folder: '.', pattern, maxDepth: 2 }] : []
}
