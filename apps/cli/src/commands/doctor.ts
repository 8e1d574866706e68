import { isCheckpointError } from '@palimpsest/core'
import { checkHooks } from '../doctor/check-hooks.ts'
import { checkInstallations } from '../doctor/check-installations.ts'
import { checkLeftovers } from '../doctor/check-leftovers.ts'
import { checkStore } from '../doctor/check-store.ts'
import { checkTranscripts } from '../doctor/check-transcripts.ts'
import { checkVersions } from '../doctor/check-versions.ts'
import type { DoctorContext, Finding } from '../doctor/finding.ts'
import { Reported } from '../failure.ts'
import { addExamples } from '../help.ts'
import { installers } from '../install/agents/index.ts'
import { installContext, recordsFolder } from '../install/run-installation.ts'
import type { Invocation } from '../invocation.ts'
import type { DefineCommand } from '../program.ts'
import { type Style, styled, type Text } from '../text.ts'

/** `doctor`: looks at everything that captures depend on, and changes nothing. */
export const defineDoctor: DefineCommand = (command, invocation) => {
  command
    .description(
      'Looks at everything that captures depend on: installations, hooks, store, transcripts about to be deleted, versions. Changes nothing; each line ends with the command that mends it. Exits with 0, unless the store can’t be used.',
    )
    .action(() => doctor(invocation))
  addExamples(command, [
    ['palimpsest doctor', 'is every compaction kept from now on?'],
    ['palimpsest doctor --json', 'for programs: { findings: [{ check, level, agent, message, mend }] }'],
  ])
}

async function doctor(invocation: Invocation): Promise<void> {
  const node: Finding = { check: 'node', level: 'ok', message: `Node.js ${process.versions.node}, ${process.execPath}.` }
  const findings: Finding[] = [node]
  try {
    const context: DoctorContext = {
      host: await invocation.host(),
      install: await installContext(invocation, 'uninstall'),
      installers,
      recordsFolder: '',
      now: invocation.context.now(),
      signal: invocation.signal,
      commandLine: invocation.commandLine,
    }
    findings.push(...(await examine({ ...context, recordsFolder: recordsFolder(context.install) })))
  } catch (error) {
    if (!isCheckpointError(error) || !ofStore.has(error.code)) throw error
    findings.push({ check: 'store', level: 'broken', message: error.message, mend: invocation.commandLine('verify', '--repair') })
    await report(invocation, findings)
    throw new Reported('the store is broken', { cause: error })
  }
  await report(invocation, findings)
}

/** Errors that mean that the store can't be used. */
const ofStore: ReadonlySet<string> = new Set(['STORAGE_UNAVAILABLE', 'STORAGE_REFUSED', 'FORMAT_UNSUPPORTED', 'CHECKPOINT_CORRUPT'])

async function examine(context: DoctorContext): Promise<readonly Finding[]> {
  const store = await checkStore(context)
  const { findings, agents } = await checkInstallations(context)
  const hooks = await checkHooks(context, agents)
  const transcripts = await checkTranscripts(context)
  return [...store, ...findings, ...hooks, ...transcripts, ...(await checkVersions(context)), ...(await checkLeftovers(context))]
}

async function report({ output }: Invocation, findings: readonly Finding[]): Promise<void> {
  await output.result({ findings }, () => findings.map(lineOf))
}

const marks: Readonly<Record<Finding['level'], { readonly word: string; readonly style: Style }>> = {
  ok: { word: 'ok  ', style: 'green' },
  note: { word: 'note', style: 'cyan' },
  warning: { word: 'warn', style: 'yellow' },
  broken: { word: 'FAIL', style: 'red' },
}

function lineOf({ level, message, mend }: Finding): Text {
  const { word, style } = marks[level]
  return [styled(style, word), ' ', message.replaceAll('\n', ' '), ...(mend === undefined ? [] : [' → ', styled('bold', mend)])]
}
