import { CommanderError } from 'commander'
import type { CliContext } from './context.ts'
import { type Failure, failureOf } from './failure.ts'
import { createInvocation, type GlobalOptions, type Invocation } from './invocation.ts'
import { createProgram } from './program.ts'

/**
 * Runs one command line (without the program's own name) and gives its exit status. Never throws and never exits: under `--json` standard output
 * holds exactly one JSON value afterwards, whatever happened. What was opened is closed.
 */
export async function run(argv: readonly string[], context: CliContext): Promise<number> {
  let help = ''
  const program = createProgram(
    () => invocation,
    (text) => {
      help += text
    },
  )
  const invocation: Invocation = createInvocation(context, { argv, json: wantsJson(argv) }, () => program.opts<GlobalOptions>())
  let status: number
  try {
    await program.parseAsync(helpAsOption(argv), { from: 'user' })
    status = 0
  } catch (error) {
    status = await ended(error, invocation, help)
  }
  const closing = await close(invocation)
  return status === 0 ? closing : status
}

/** `--json` as commander will find it: anywhere before `--`. Needed before it has parsed, and when it can't. */
function wantsJson(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).includes('--json')
}

/** `help` and `help COMMAND` mean `--help`. */
function helpAsOption(argv: readonly string[]): readonly string[] {
  return argv[0] === 'help' ? [...argv.slice(1), '--help'] : argv
}

async function ended(error: unknown, invocation: Invocation, help: string): Promise<number> {
  try {
    if (error instanceof CommanderError && error.exitCode === 0) {
      await invocation.output.result(error.code === 'commander.version' ? { version: help.trim() } : { help }, () => [help.trimEnd()])
      return 0
    }
    const { context } = invocation
    const failure = await failureOf(error, {
      interrupted: context.signal.aborted,
      debug: (context.env['PALIMPSEST_DEBUG'] ?? '') !== '',
    })
    await report(failure, invocation, error instanceof CommanderError && error.code === 'commander.help' ? help : '')
    return failure.status
  } catch {
    // Standard output or standard error is gone: nobody is left to be told.
    return 1
  }
}

async function report(failure: Failure, { json, output }: Invocation, help: string): Promise<void> {
  if (json && failure.error !== undefined) await output.result({ error: failure.error }, () => [])
  else if (!json && help !== '') await output.note(help.trimEnd())
  else if (!json && failure.lines.length > 0) await output.note(...failure.lines)
}

/** The exit status of closing what was opened. */
async function close(invocation: Invocation): Promise<number> {
  try {
    await invocation.close()
    return 0
  } catch (error) {
    const failure = await failureOf(error, { interrupted: false, debug: false })
    await invocation.output.note(...failure.lines).catch(() => undefined)
    return failure.status
  }
}
