import { writeSync } from 'node:fs'
import { homedir } from 'node:os'
import { environmentOfHome } from '../agent-homes.ts'
import type { runEngine } from './engine.ts'
import { leaveNow, readStandardInput } from './hook-input.ts'
import { HookProblem } from './hook-request.ts'
import { parseHookWords, requestOf } from './hook-words.ts'
import { isNothingToDo } from './nothing-to-do.ts'
import { storeFolder } from './store-folder.ts'

/** How long standard input is waited for, and how long everything may take: less than the 60 s that agents give a hook. */
const inputMs = 5_000
const wholeMs = 50_000

/** What the entry of the hook's process gives. */
export interface HookProcess {
  /** The words of the command line. */
  readonly words: readonly string[]
  /** Writes a problem down. Never throws. */
  log(problem: unknown): void
  /** Loads the engine's bundle. */
  loadEngine(): { readonly runEngine: typeof runEngine }
}

/**
 * The process of a hook. It ends by itself, always with status 0: what goes wrong is logged. Standard output has nothing but what the agent should
 * see. The engine is loaded only where there is something to do.
 */
export function runHook({ words, log, loadEngine }: HookProcess): void {
  setTimeout(() => {
    log(
      new HookProblem(
        `The hook was stopped after ${wholeMs} ms; what it had stored by then is kept, and the next scan goes on from there.`,
      ),
    )
    leaveNow()
  }, wholeMs)
  handle(words, loadEngine).then(
    (text) => {
      if (text !== undefined) writeSync(1, text)
      process.exit(0)
    },
    (error: unknown) => {
      log(error)
      leaveNow()
    },
  )
}

async function handle(words: readonly string[], loadEngine: HookProcess['loadEngine']): Promise<string | undefined> {
  const hook = parseHookWords(words)
  const { adapter, request } = requestOf(hook, await readStandardInput(inputMs))
  const folder = storeFolder({ store: hook.store, env: process.env, homeFolder: homedir(), currentFolder: process.cwd() })
  if (folder !== undefined && isNothingToDo(folder, adapter, request)) return undefined
  const env = hook.home === undefined ? process.env : { ...process.env, ...environmentOfHome(hook.agent, hook.home) }
  const text = await loadEngine().runEngine({ agent: hook.agent, store: hook.store, env, request, currentFolder: process.cwd() })
  return text === undefined ? undefined : (adapter.answer?.(text) ?? text)
}
