import { CheckpointError, type Damage, type VerifyReport } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { Reported } from '../failure.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { counted, styled, type Text } from '../text.ts'

const idsShown = 5

interface VerifyOptions {
  readonly repair?: true
}

/** `verify`: reads everything again. */
export const defineVerify: DefineCommand = (command, invocation) => {
  command
    .description(
      'Reads everything that is stored again, checks every digest, and names what is damaged with the checkpoints that stand on it. Exits 4 when damage is left.',
    )
    .option('--repair', 'mend what can be mended: chunks from the agents’ transcripts, a lost ledger from the objects')
    .action((options: VerifyOptions) => verify(invocation, options))
  addExamples(command, [
    ['palimpsest verify', 'is everything still what was stored?'],
    ['palimpsest verify --repair', 'and mend what can be mended'],
    ['palimpsest verify --json', 'for programs: { damaged, repaired, sessions, checkpoints, chunks, bytes }'],
  ])
}

async function verify(invocation: Invocation, { repair }: VerifyOptions): Promise<void> {
  const checkpoints = await invocation.checkpoints()
  const progress = await startProgress(invocation, 'Looking for sessions…')
  const report = await checkpoints
    .verify({
      signal: invocation.signal,
      ...(repair === undefined ? {} : { repair }),
      onProgress: ({ sessions, of, chunks, bytes }) =>
        progress.show(`Verifying… ${sessions} of ${counted(of, 'session')}, ${counted(chunks, 'chunk')}, ${byteSize(bytes)}`),
    })
    .finally(() => progress.stop())
  await invocation.output.result(report, () => verifyLines(invocation, report, repair ?? false))
  const [first] = report.damaged
  if (first === undefined) return
  const error = new CheckpointError('CHECKPOINT_CORRUPT', `${counted(report.damaged.length, 'value')} damaged.`, {
    key: first.key,
    problem: first.problem,
  })
  throw new Reported('damage is left', { cause: error })
}

function verifyLines(invocation: Invocation, report: VerifyReport, repair: boolean): readonly Text[] {
  const { damaged, repaired, sessions, checkpoints, chunks, bytes } = report
  const read = `${counted(sessions, 'session')} · ${counted(checkpoints, 'checkpoint')} · ${counted(chunks, 'chunk')} · ${byteSize(bytes)} read`
  const lines: Text[] = [
    ...damaged.map((damage) => damageLine('red', problemText[damage.problem], damage)),
    ...repaired.map((damage) => damageLine('green', 'repaired', damage)),
    [styled('bold', damaged.length === 0 ? 'Whole: ' : `${damaged.length.toLocaleString('en-US')} damaged: `), read],
  ]
  if (damaged.length > 0 && !repair)
    lines.push(styled('dim', `To mend what can be mended: ${invocation.commandLine('verify', '--repair')}`))
  if (damaged.length > 0 && repair) {
    lines.push(styled('dim', 'What is left can’t be mended from what is there. Everything else stays readable.'))
  }
  return lines
}

const problemText = { missing: 'missing', digest: 'not what was stored', unreadable: 'not readable' } as const

function damageLine(style: 'red' | 'green', what: string, { key, checkpointIds }: Damage): Text {
  const more = checkpointIds.length - idsShown
  const ids = `${checkpointIds.slice(0, idsShown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
  return [styled(style, `${what}:`), ` ${key}`, checkpointIds.length === 0 ? '' : styled('dim', ` (${ids})`)]
}
