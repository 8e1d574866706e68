import { type ChildProcess, spawn } from 'node:child_process'

/** How a child process is run. Nothing of this process's environment is passed on but what `env` says. */
export interface ProcessOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly timeoutMs: number
}

/** How a child process ended. */
export interface Ended {
  /** `undefined` when a signal ended it. */
  readonly status: number | undefined
  readonly timedOut: boolean
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** A child process that is spoken to line by line. */
export interface Conversation {
  write(line: string): void
  /** The first line not yet taken that `wanted` accepts; those before it are passed over. Fails when the process ends or time is up. */
  line(wanted: (line: string) => boolean, timeoutMs: number): Promise<string>
  /** Ends its input and waits; kills it when it does not end in time. */
  end(timeoutMs: number): Promise<Ended>
}

const children = new Set<ChildProcess>()

/** Runs a command to its end, without standard input. A command that overruns its time is killed with the processes that it started. */
export function run(command: readonly string[], options: ProcessOptions): Promise<Ended> {
  return ended(start(command, options, 'ignore'), options.timeoutMs)
}

/** Starts a command and leaves it running. */
export function converse(command: readonly string[], options: Omit<ProcessOptions, 'timeoutMs'>): Conversation {
  const child = start(command, options, 'pipe')
  const lines: string[] = []
  let rest = ''
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const pieces = (rest + text).split('\n')
    rest = pieces.pop() ?? ''
    lines.push(...pieces)
  })
  child.stdin?.on('error', () => undefined)
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
  })
  return {
    write: (line) => {
      child.stdin?.write(`${line}\n`)
    },
    line: async (wanted, timeoutMs) => {
      const deadline = Date.now() + timeoutMs
      for (;;) {
        const over = hasEnded(child)
        for (let line = lines.shift(); line !== undefined; line = lines.shift()) if (wanted(line)) return line
        if (over) throw new Error(`${command.join(' ')} ended early: ${lastLines(stderr)}`)
        if (Date.now() > deadline) throw new Error(`${command.join(' ')} said nothing for ${timeoutMs} ms: ${lastLines(stderr)}`)
        await delay(15)
      }
    },
    end: (timeoutMs) => {
      child.stdin?.end()
      return ended(child, timeoutMs)
    },
  }
}

/** Kills what this process has started and what those have started. */
export function stopChildren(): void {
  for (const child of children) kill(child)
}

/** The last lines of what a program said. */
export function lastLines(text: string | Buffer): string {
  return text.toString().trim().split('\n').slice(-4).join(' | ').slice(-600)
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms))
}

function start(command: readonly string[], options: Omit<ProcessOptions, 'timeoutMs'>, stdin: 'ignore' | 'pipe'): ChildProcess {
  const [file, ...rest] = command
  if (file === undefined) throw new TypeError('a command has at least one word')
  // A group of its own, so that what it starts can be stopped with it.
  const child = spawn(file, rest, { cwd: options.cwd, env: options.env, stdio: [stdin, 'pipe', 'pipe'], detached: true })
  children.add(child)
  child.on('error', () => children.delete(child))
  child.on('close', () => children.delete(child))
  return child
}

function ended(child: ChildProcess, timeoutMs: number): Promise<Ended> {
  if (!children.has(child))
    return Promise.resolve({ status: child.exitCode ?? undefined, timedOut: false, stdout: Buffer.alloc(0), stderr: Buffer.alloc(0) })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout?.on('data', (bytes: Buffer | string) => stdout.push(Buffer.from(bytes)))
  child.stderr?.on('data', (bytes: Buffer | string) => stderr.push(Buffer.from(bytes)))
  return new Promise((resolve, reject) => {
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      kill(child)
    }, timeoutMs)
    child.on('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.on('close', (status) => {
      clearTimeout(timer)
      resolve({ status: status ?? undefined, timedOut, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) })
    })
  })
}

function kill(child: ChildProcess): void {
  if (child.pid === undefined || hasEnded(child)) return
  try {
    process.kill(-child.pid, 'SIGKILL')
  } catch {
    child.kill('SIGKILL')
  }
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null || child.pid === undefined
}
