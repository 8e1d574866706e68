import { Buffer } from 'node:buffer'
import { Readable, Writable } from 'node:stream'
import { type CliContext, run } from '@palimpsest/cli'
import type { Host, HostOptions } from '@palimpsest/host'
import { now } from './fake-host.ts'

export interface Ended {
  readonly status: number
  readonly stdout: string
  readonly stderr: string
  /** The one JSON value on standard output; throws when there is none or more. */
  json(): unknown
  /** How the store was opened. */
  readonly opened: readonly HostOptions[]
}

export interface World {
  readonly host?: Host
  readonly openError?: unknown
  readonly stdin?: Readable
  readonly stdout?: Writable
  readonly env?: Readonly<Record<string, string | undefined>>
  readonly cwd?: string
  readonly terminal?: boolean
  /** Makes standard error a terminal so many columns wide. */
  readonly stderrColumns?: number
  readonly signal?: AbortSignal
}

/** Runs a command line in this process. */
export async function commandLine(argv: readonly string[], world: World = {}): Promise<Ended> {
  const stdout = collector()
  const stderr = collector()
  const opened: HostOptions[] = []
  const context: CliContext = {
    async openHost(options) {
      opened.push(options)
      if (world.openError !== undefined) throw world.openError
      if (world.host === undefined) throw new Error('this command opens no store')
      return world.host
    },
    stdin: world.stdin ?? Readable.from([]),
    stdout: world.stdout ?? stdout.stream,
    stderr: Object.assign(stderr.stream, world.stderrColumns === undefined ? {} : { isTTY: true, columns: world.stderrColumns }),
    env: world.env ?? {},
    cwd: world.cwd ?? '/work/project',
    isTerminal: { stdout: world.terminal ?? false, stderr: world.stderrColumns !== undefined },
    signal: world.signal ?? new AbortController().signal,
    now: () => now,
  }
  const status = await run(argv, context)
  return { status, stdout: stdout.text(), stderr: stderr.text(), opened, json: () => JSON.parse(stdout.text()) }
}

function collector(): { readonly stream: Writable; text(): string } {
  const pieces: Buffer[] = []
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      pieces.push(chunk)
      done()
    },
  })
  return { stream, text: () => Buffer.concat(pieces).toString('utf8') }
}
