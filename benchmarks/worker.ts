import { type ChildProcess, fork } from 'node:child_process'
import { join } from 'node:path'

/** The tasks of a worker module: named functions of at most one JSON value. */
type Tasks = Record<string, (...input: never[]) => unknown>

/** A long-lived process that carries out tasks, so that loading is no part of what is measured. */
export interface Worker<Named extends Tasks> {
  call<Name extends keyof Named & string>(name: Name, ...input: Parameters<Named[Name]>): Promise<Awaited<ReturnType<Named[Name]>>>
  /** Ends the process and waits for it. */
  close(): Promise<void>
}

/** What a task gave, after its way through JSON: the type of the task says what it is. */
type Json = ReturnType<typeof JSON.parse>

interface Call {
  resolve(value: Json): void
  reject(error: Error): void
}

const children = new Set<ChildProcess>()
const callTimeoutMs = 10 * 60_000

/** Starts a worker on a module of this folder that exports `tasks`; ready when it resolves. */
export async function startWorker<Named extends Tasks>(module: string, env: NodeJS.ProcessEnv): Promise<Worker<Named>> {
  const child = fork(join(import.meta.dirname, 'worker-process.ts'), [join(import.meta.dirname, module)], { env, execArgv: [] })
  children.add(child)
  const waiting = new Map<number, Call>()
  child.on('message', (message) => {
    const reply = JSON.parse(String(message))
    const call = waiting.get(reply.id)
    waiting.delete(reply.id)
    if (reply.error === undefined) call?.resolve(reply.value)
    else call?.reject(new Error(reply.error))
  })
  const ended = new Promise<void>((resolve) => {
    child.on('exit', (status, signal) => {
      children.delete(child)
      for (const call of waiting.values()) call.reject(new Error(`the worker of ${module} ended (${status ?? signal})`))
      resolve()
    })
  })
  const reply = async (id: number): Promise<Json> => {
    const timer = setTimeout(() => child.kill('SIGKILL'), callTimeoutMs)
    try {
      return await new Promise((resolve, reject) => waiting.set(id, { resolve, reject }))
    } finally {
      clearTimeout(timer)
    }
  }
  let calls = 0
  await reply(0)
  return {
    call(name, ...input) {
      calls += 1
      const answer = reply(calls)
      child.send(JSON.stringify({ id: calls, name, input: input[0] }))
      return answer
    },
    async close() {
      if (child.connected) child.disconnect()
      const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
      await ended
      clearTimeout(timer)
    },
  }
}

/** Ends every worker at once. */
export function stopWorkers(): void {
  for (const child of children) child.kill('SIGKILL')
}
