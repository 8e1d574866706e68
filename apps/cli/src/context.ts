import type { Readable, Writable } from 'node:stream'
import type { Host, HostOptions } from '@palimpsest/host'

/** Everything a command line has of the world around it, so that a test can be that world. */
export interface CliContext {
  /** Opens the store. Whoever calls it closes it. */
  readonly openHost: (options: HostOptions) => Promise<Host>
  readonly stdin: Readable
  readonly stdout: Writable
  readonly stderr: Writable
  readonly env: Readonly<Record<string, string | undefined>>
  /** What relative paths are relative to. */
  readonly cwd: string
  /** Which of the streams are terminals. */
  readonly isTerminal: { readonly stdout: boolean; readonly stderr: boolean }
  /** Aborted by Ctrl-C. */
  readonly signal: AbortSignal
  /** Milliseconds since the epoch. */
  readonly now: () => number
}
