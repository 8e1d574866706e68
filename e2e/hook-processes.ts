import { readdirSync, readFileSync } from 'node:fs'

/** A process in which an agent runs one of our hooks. */
export interface HookProcess {
  readonly pid: number
  readonly event: string
}

/** Watches for the processes of hooks. */
export interface HookWatch {
  /** Those that were seen, in order. */
  readonly seen: readonly HookProcess[]
  stop(): void
}

/** Whether processes can be watched here. */
export const watchesHooks = process.platform === 'linux'

const everyMs = 2

/** Calls `met` with every process of a hook of a store, within a few milliseconds of its start. */
export function watchHooks(storeUrl: string, met: (hook: HookProcess) => void): HookWatch {
  const others = new Set(processIds())
  const seen: HookProcess[] = []
  const timer = setInterval(() => {
    for (const pid of processIds()) {
      if (others.has(pid)) continue
      const hook = hookIn(pid, storeUrl)
      if (hook === undefined) continue
      others.add(pid)
      seen.push(hook)
      met(hook)
    }
  }, everyMs)
  return { seen, stop: () => clearInterval(timer) }
}

/** Sends a signal to a process that may have ended. */
export function signal({ pid }: HookProcess, name: 'SIGKILL' | 'SIGSTOP' | 'SIGCONT'): void {
  try {
    process.kill(pid, name)
  } catch {
    // It has ended.
  }
}

/** Whether the process is still that of the hook. */
export function isRunning(hook: HookProcess, storeUrl: string): boolean {
  return hookIn(hook.pid, storeUrl)?.event === hook.event
}

function processIds(): readonly string[] {
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name))
}

/** The hook in a process: Node runs our script, and not yet the shell that starts it. */
function hookIn(pid: string | number, storeUrl: string): HookProcess | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    if (words[1]?.endsWith('palimpsest-hook.cjs') !== true || !words.includes(storeUrl)) return undefined
    return { pid: Number(pid), event: words[3] ?? '' }
  } catch {
    return undefined
  }
}
