import { stat } from 'node:fs/promises'
import { isCheckpointError } from '@palimpsest/core'
import { fileRecords } from '../install/file-records.ts'
import { changes, prepare } from '../install/installation.ts'
import type { Installer } from '../install/installer.ts'
import type { DoctorContext, Finding } from './finding.ts'

/** An agent that is on this machine, and since when palimpsest is installed in it. */
export interface InstalledAgent {
  readonly agent: string
  /** `undefined` where it isn't. */
  readonly sinceMs: number | undefined
}

/** What of palimpsest is in the settings of the agents that are here. */
export async function checkInstallations(context: DoctorContext): Promise<{
  readonly findings: readonly Finding[]
  readonly agents: readonly InstalledAgent[]
}> {
  const findings: Finding[] = []
  const agents: InstalledAgent[] = []
  for (const installer of context.installers) {
    if ((await stat(installer.folder(context.install)).catch(() => undefined)) === undefined) continue
    const checked = await checkInstallation(context, installer)
    findings.push(...checked.findings)
    agents.push({ agent: installer.agent, sinceMs: checked.sinceMs })
  }
  return { findings, agents }
}

async function checkInstallation(
  context: DoctorContext,
  installer: Installer,
): Promise<{ readonly findings: readonly Finding[]; readonly sinceMs?: number | undefined }> {
  const { agent } = installer
  const mend = context.commandLine('install', agent)
  const finding = (level: Finding['level'], message: string, by?: string): Finding => ({
    check: 'installation',
    level,
    agent,
    message,
    mend: by,
  })
  const records = fileRecords(context.recordsFolder)
  const files = installer.files(context.install)
  try {
    const toInstall = await prepare(files, 'install', records)
    const toUninstall = await prepare(files, 'uninstall', records)
    const edited = toInstall.flatMap(({ path, plan }) =>
      plan.edited.map((name) =>
        finding('warning', `${path}: ${name} was edited by hand and is left as it is; take it out of the file, then install anew.`, mend),
      ),
    )
    if (!toUninstall.some(changes)) {
      return {
        findings:
          edited.length > 0 ? edited : [finding('warning', `Not installed in ${agent}: its compactions are found by scans alone.`, mend)],
      }
    }
    const real = new Set(toInstall.map(({ current }) => current.path))
    const since = (await records.list()).filter(({ record }) => real.has(record.path)).map(({ sinceMs }) => sinceMs)
    const state = toInstall.some(changes)
      ? finding('warning', `Installed in ${agent}, but not as it would be now: for another store, Node or version of palimpsest.`, mend)
      : finding('ok', `Installed in ${agent}.`)
    const obstacles = (await installer.obstacles?.(context.install)) ?? []
    const inTheWay = obstacles.map((obstacle): Finding => ({ ...obstacle, level: 'warning', agent }))
    return { findings: [state, ...edited, ...inTheWay], sinceMs: since.length === 0 ? undefined : Math.max(...since) }
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    return { findings: [finding('warning', error.message, mend)] }
  }
}
