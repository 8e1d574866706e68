import type { Checkpoint } from '@palimpsest/core'

/** What an agent is told after a compaction, in under 480 characters: which checkpoint holds what it has forgotten, and which tools find it. */
export function announcementOf({ id }: Pick<Checkpoint, 'id'>): string {
  return (
    `Your context was just compacted. Palimpsest kept the exact transcript from before: checkpoint ${id}. ` +
    'What the summary leaves out (error messages, commands, numbers, file contents, the user’s words) is still there: call the tools of the ' +
    `palimpsest MCP server, search_checkpoints {"query":"…"} to find it and get_checkpoint {"id":"${id}"} to read it, instead of guessing.\n`
  )
}
