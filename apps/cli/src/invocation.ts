import type { Writable } from 'node:stream'
import type { Checkpoints } from '@palimpsest/core'
import type { Host } from '@palimpsest/host'
import type { CliContext } from './context.ts'
import { createOutput, type Output } from './output.ts'
import { shellQuote } from './shell-quote.ts'

/** The options that every command takes. */
export interface GlobalOptions {
  readonly store?: string
  readonly json?: true
  readonly color: boolean
}

/** One run of one command: what its code works with. */
export interface Invocation {
  readonly context: CliContext
  /** As it was typed, without the program's own name. */
  readonly argv: readonly string[]
  readonly signal: AbortSignal
  /** Whether standard output is one JSON value. */
  readonly json: boolean
  readonly output: Output
  /** Whether standard error is a terminal that may move its cursor: for progress. */
  readonly showsProgress: boolean
  /** Whether a terminal may be given colours. */
  mayColor(): boolean
  /** The opened store: the same on every call, closed after the command. Throws as `openHost` does. */
  host(): Promise<Host>
  /** The store opened once more, in an environment that also has `more`; the caller closes it. */
  openHost(more?: CliContext['env']): Promise<Host>
  checkpoints(): Promise<Checkpoints>
  /** A command line of this program for people to copy, with the store that this one was given. */
  commandLine(...words: readonly string[]): string
  /** Closes what was opened. */
  close(): Promise<void>
}

/** `options` is asked when something needs them, since they are known only once the command line is parsed. */
export function createInvocation(
  context: CliContext,
  { argv, json }: Pick<Invocation, 'argv' | 'json'>,
  options: () => GlobalOptions,
): Invocation {
  let opened: Promise<Host> | undefined
  const openHost = (more: CliContext['env'] = {}): Promise<Host> => {
    const { store } = options()
    return context.openHost({ env: { ...context.env, ...more }, ...(store === undefined ? {} : { store }) })
  }
  const colored = (): boolean => options().color && mayColor(context.env)
  const host = (): Promise<Host> => {
    opened ??= openHost()
    return opened
  }
  return {
    context,
    argv,
    signal: context.signal,
    json,
    showsProgress: context.isTerminal.stderr && context.env['TERM'] !== 'dumb' && hasWidth(context.stderr),
    output: createOutput({
      json,
      stdout: context.stdout,
      stderr: context.stderr,
      stdoutIsTerminal: context.isTerminal.stdout,
      stderrIsTerminal: context.isTerminal.stderr,
      mayColor: colored,
    }),
    mayColor: colored,
    host,
    openHost,
    checkpoints: async () => (await host()).checkpoints,
    commandLine: (...words) => {
      const { store } = options()
      // Behind `--` it would be no option.
      const end = words.includes('--') ? words.indexOf('--') : words.length
      const given = store === undefined ? [] : ['--store', store]
      return shellQuote(['palimpsest', ...words.slice(0, end), ...given, ...words.slice(end)])
    },
    async close() {
      // A store that failed to open was reported already.
      const host = await opened?.catch(() => undefined)
      await host?.close()
    },
  }
}

/** As no-color.org has it: set and not empty means none. */
function mayColor(env: CliContext['env']): boolean {
  return (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
}

/** Some pseudo-terminals say that they are no columns wide; ora would clear lines on them without end. */
function hasWidth(stream: Writable): boolean {
  return !('columns' in stream) || stream.columns !== 0
}
