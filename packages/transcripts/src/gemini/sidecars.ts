import type { SidecarRule } from '@palimpsest/core'

/** The first 8 characters of the session's id end the name of its file. */
const mainName = /^session-.*-([0-9a-f]{8})\.jsonl$/

/** Logs of sub-agents lie in a folder of the session's whole id beside its file; parts are named `<session id>/<sub-agent's id>.jsonl`. */
export function geminiSidecars(mainFileName: string): readonly SidecarRule[] {
  const shortId = mainName.exec(mainFileName)?.[1]
  if (shortId === undefined) return []
  return [{ folder: '.', pattern: new RegExp(`^${shortId}-[0-9a-f-]{27}/[A-Za-z0-9_-][A-Za-z0-9._-]*\\.jsonl$`), maxDepth: 2 }]
}
