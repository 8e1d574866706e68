import type { CheckpointError } from '@palimpsest/core'
import { CommanderError } from 'commander'
import { OptionInvalid } from './option-values.ts'
import { styled, type Text } from './text.ts'
import { ReaderGone } from './write-all.ts'

/** How a command ended that did not do what it was asked. */
export interface Failure {
  readonly status: number
  /** What `--json` prints; absent when there is nothing to say, or it was said. */
  readonly error?: { readonly code: string; readonly message: string; readonly details: object }
  /** What people read. */
  readonly lines: readonly Text[]
}

/** A failure that the command has printed with its result: it only sets the exit status. */
export class Reported extends Error {
  override readonly name = 'Reported'
}

/**
 * The exit status and the words for whatever was thrown: a `CheckpointError` by its code, a usage error of the command line as `ARGUMENT_INVALID`,
 * Ctrl-C as `INTERRUPTED` (130), anything else as `UNEXPECTED` (1).
 */
export async function failureOf(error: unknown, options: { readonly interrupted: boolean; readonly debug: boolean }): Promise<Failure> {
  if (error instanceof ReaderGone) return { status: 0, lines: [] }
  if (options.interrupted) return interrupted
  if (error instanceof CommanderError) return usageFailure(error)
  if (error instanceof OptionInvalid) return optionFailure(error)
  const { exitStatusByCode, isCheckpointError } = await import('@palimpsest/core')
  if (error instanceof Reported) {
    return { status: isCheckpointError(error.cause) ? exitStatusByCode[error.cause.code] : 1, lines: [] }
  }
  if (isCheckpointError(error)) {
    return { status: exitStatusByCode[error.code], error: error.toJSON(), lines: checkpointErrorLines(error) }
  }
  const message = error instanceof Error ? error.message : String(error)
  const stack = options.debug && error instanceof Error ? (error.stack ?? '') : ''
  return {
    status: 1,
    error: { code: 'UNEXPECTED', message, details: {} },
    lines: [
      failureLine(`unexpected: ${message}`),
      stack === '' ? hint('This should not happen. PALIMPSEST_DEBUG=1 shows where it comes from.') : stack,
    ],
  }
}

/** A `CheckpointError` for people: one line, then what its details offer. */
export function checkpointErrorLines(error: CheckpointError): readonly Text[] {
  return [failureLine(error.message), ...hints(error).map(hint)]
}

const interrupted: Failure = {
  status: 130,
  error: { code: 'INTERRUPTED', message: 'Interrupted; nothing was left half-done.', details: {} },
  lines: [failureLine('interrupted; nothing was left half-done')],
}

/** Commander's message without its `error: `, the suggestion on the same line. */
function usageFailure(error: CommanderError): Failure {
  const message = noCommand.has(error.code) ? 'Name a command.' : error.message.replace(/^error: /, '').replaceAll('\n', ' ')
  const argument = /'([^']+)'/.exec(message)?.[1] ?? 'command'
  return {
    status: 2,
    error: { code: 'ARGUMENT_INVALID', message, details: { argument } },
    lines: [failureLine(message), hint('palimpsest --help shows the commands, palimpsest COMMAND --help the options of one.')],
  }
}

function optionFailure({ message, details }: OptionInvalid): Failure {
  return { status: 2, error: { code: 'ARGUMENT_INVALID', message, details }, lines: [failureLine(message)] }
}

const noCommand = new Set(['commander.help'])

function failureLine(message: string): Text {
  return [styled('red', 'palimpsest:'), ' ', message.replaceAll('\n', ' ')]
}

function hint(text: string): Text {
  return styled('dim', `  ${text}`)
}

function hints(error: CheckpointError): readonly string[] {
  const { details } = error
  const lines: string[] = []
  if ('nearest' in details && details.nearest !== undefined && details.nearest.length > 0)
    lines.push(`nearest: ${details.nearest.join(', ')}`)
  if ('candidates' in details) lines.push(`it may be: ${details.candidates.join(', ')}`)
  if (error.retryable) lines.push('The same command may succeed when it is run again.')
  return lines
}
