import { environmentOfHome } from '../agent-homes.ts'
import { addExamples } from '../help.ts'
import { carryOut } from '../hook/carry-out.ts'
import { readHookInput } from '../hook/hook-input.ts'
import { requestOf } from '../hook/hook-words.ts'
import type { DefineCommand } from '../program.ts'

const inputMs = 5_000

/** `hook`: what an agent's hook runs. The process itself has a shorter way, `bin/palimpsest-hook.cjs`; this is the same without it. */
export const defineHook: DefineCommand = (command, invocation) => {
  command
    .description(
      'Keeps what an event of an agent is about; the agent gives its JSON on standard input. As a process it always exits with 0; what goes wrong is in hook.log in $XDG_STATE_HOME/palimpsest.',
    )
    .argument('<agent>', 'claude-code, pi, openclaw, codex, opencode, gemini or copilot')
    .argument(
      '<event>',
      'claude-code, codex: PreCompact, PostCompact, SessionStart, SessionEnd; pi, openclaw: before-compact, compact, session-start, session-end; opencode: before-compact, compact; gemini: PreCompress, SessionEnd; copilot: preCompact, sessionStart, sessionEnd',
    )
    .option('--home <folder>', 'the agent’s own folder, as its variable would name it')
    .action(async (agent: string, event: string, { home }: { readonly home?: string }) => {
      const { context, signal } = invocation
      const { adapter, request } = requestOf({ agent, event, home }, await readHookInput(context.stdin, inputMs))
      const host = await invocation.openHost(home === undefined ? {} : environmentOfHome(agent, home))
      try {
        const text = await carryOut(request, { host, agent, currentFolder: context.cwd, signal })
        const answer = text === undefined ? undefined : (adapter.answer?.(text) ?? text)
        // What an agent reads must not have an empty line where there is nothing to say.
        if (answer === undefined && !invocation.json) return
        await invocation.output.result({ text: answer ?? '' }, () => [(answer ?? '').trimEnd()])
      } finally {
        await host.close()
      }
    })
  addExamples(command, [
    ['palimpsest hook claude-code PreCompact < input.json', 'before a compaction: keeps the transcript'],
    ['palimpsest hook claude-code SessionStart < input.json', 'after one: says where the rest is'],
  ])
}
