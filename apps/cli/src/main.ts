import { run } from './run.ts'

/**
 * The process: its arguments, its streams, Ctrl-C. Sets the exit status once everything is written. The first Ctrl-C stops the command at the
 * next safe point, the second at once.
 */
export async function main(): Promise<void> {
  const interrupt = new AbortController()
  const onInterrupt = (): void => {
    if (interrupt.signal.aborted) process.exit(130)
    interrupt.abort(new Error('interrupted'))
  }
  process.on('SIGINT', onInterrupt)
  // Failed writes reach the one who waits for them; without a listener they would also end the process with a stack.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  process.exitCode = await run(process.argv.slice(2), {
    openHost: async (options) => (await import('@palimpsest/host')).openHost(options),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    isTerminal: { stdout: process.stdout.isTTY === true, stderr: process.stderr.isTTY === true },
    signal: interrupt.signal,
    now: Date.now,
  })
  process.off('SIGINT', onInterrupt)
  // An interrupted command may have left standard input open.
  if (interrupt.signal.aborted) process.exit()
}
