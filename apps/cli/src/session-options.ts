import type { WithinSession } from '@palimpsest/core'
import type { Command } from 'commander'

/** The options by which an id is looked up in one session alone. */
export interface SessionOptions {
  readonly agent?: string
  readonly sessionKey?: string
}

/** How every command that takes an id describes it. */
export const idDescription = 'checkpoint id, its last 6 or more characters, or latest, latest~1, …'

export function addSessionOptions(command: Command): void {
  command
    .option('--agent <agent>', 'look the id up in sessions of this agent alone')
    .option('--session-key <key>', 'look the id up in this session alone')
}

/** As the service takes them, with the signal of this run. */
export function withinSession(options: SessionOptions, signal: AbortSignal): WithinSession {
  return {
    signal,
    ...(options.agent === undefined ? {} : { agent: options.agent }),
    ...(options.sessionKey === undefined ? {} : { sessionKey: options.sessionKey }),
  }
}
