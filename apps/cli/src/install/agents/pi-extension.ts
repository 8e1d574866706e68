import { runHookSource } from './run-hook-source.ts'

/**
 * The text of an extension for pi: at each event it runs the hook, waits for it and passes it what it knows. It throws nothing, holds pi up for 55 s at
 * most, and is plain JavaScript without a build. Written for 0.73 to 1.5.
 */
export function piExtension(wordsOf: (event: string) => readonly string[]): string {
  const commands = Object.fromEntries(['before-compact', 'compact', 'session-start', 'session-end'].map((event) => [event, wordsOf(event)]))
  return `// Written by "palimpsest install"; "palimpsest uninstall" takes it away. It keeps the session as it is before a compaction.
import { spawn } from 'node:child_process'

const commands = ${JSON.stringify(commands, undefined, 2)}

export default function palimpsest(pi) {
  pi.on('session_before_compact', (event, context) =>
    run('before-compact', context, {
      reason: event.reason,
      leaf_id: context.sessionManager.getLeafId(),
      tokens_before: event.preparation?.tokensBefore,
    }),
  )
  pi.on('session_compact', (_event, context) => run('compact', context))
  pi.on('session_start', (_event, context) => run('session-start', context))
  pi.on('session_shutdown', (_event, context) => run('session-end', context))
}

/** Never fails: what goes wrong is in the hook's own log. */
async function run(event, context, facts = {}) {
  try {
    const session_file = context.sessionManager.getSessionFile()
    // A session that is kept in memory alone has no file.
    if (session_file) await runHook(commands[event], JSON.stringify({ session_file, ...facts }))
  } catch {}
}

${runHookSource}`
}
