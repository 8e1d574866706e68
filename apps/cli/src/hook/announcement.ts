import type { Checkpoint } from '@palimpsest/core'

/** What an agent is told after a compaction, in under 480 characters: which checkpoint holds what it has forgotten, and which tool finds it. */
export function announcementOf({ id }: Pick<Checkpoint, 'id'>): string {
  return (
    'Your context was just compacted. Palimpsest kept the exact transcript from before: checkpoint ' +
    `${id}. What the summary leaves out (error messages, commands, numbers, file contents, the user’s words) is still there: ` +
    `call the tool get_checkpoint of the palimpsest MCP server with {"id":"${id}"} to read it instead of guessing.\n`
  )
}
