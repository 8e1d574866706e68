import { readFile, realpath } from 'node:fs/promises'
import { delimiter, dirname, isAbsolute, join } from 'node:path'
import type { Installer } from '../install/installer.ts'
import type { DoctorContext, Finding } from './finding.ts'

/** Agents of versions that lie outside what was tested. No agent is started: what is looked at is the package that its program is in. */
export async function checkVersions(context: DoctorContext): Promise<readonly Finding[]> {
  const checked = await Promise.all(
    context.installers.map(async (installer) => {
      const version = await installedVersion(installer, context.install.env['PATH'] ?? '')
      return version === undefined ? [] : [findingOf(context, installer, version)]
    }),
  )
  return checked.flat()
}

function findingOf({ commandLine }: DoctorContext, { agent, program: { tested } }: Installer, version: string): Finding {
  const [oldest, newest] = [tested[0], tested.at(-1)]
  const range = oldest === undefined ? 'nothing' : oldest === newest ? oldest : `${oldest} to ${newest}`
  if (oldest !== undefined && newest !== undefined && compare(version, oldest) >= 0 && compare(version, newest) <= 0) {
    return { check: 'versions', level: 'ok', agent, message: `${agent} ${version} lies within what was tested (${range}).` }
  }
  const message = `${agent} ${version} lies outside what was tested (${range}); a scan says whether its sessions are understood.`
  return { check: 'versions', level: 'note', agent, message, mend: commandLine('scan', '--agent', agent) }
}

/** The version of the program that a shell would start; `undefined` where there is none, or it doesn't say. */
async function installedVersion({ program: { name, packages } }: Installer, searchPath: string): Promise<string | undefined> {
  for (const folder of searchPath.split(delimiter).filter(isAbsolute)) {
    const file = await realpath(join(folder, name)).catch(() => undefined)
    if (file === undefined) continue
    // Claude Code's own installer keeps a file a version.
    const named = /[/\\]versions[/\\](\d+\.\d+\.\d+)$/.exec(file)?.[1]
    return named ?? (await packageVersion(file, packages))
  }
  return undefined
}

async function packageVersion(file: string, packages: readonly string[]): Promise<string | undefined> {
  for (let folder = dirname(file); dirname(folder) !== folder; folder = dirname(folder)) {
    try {
      const manifest: unknown = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
      if (typeof manifest !== 'object' || manifest === null || !('name' in manifest) || !('version' in manifest)) continue
      if (packages.some((wanted) => String(manifest.name) === wanted || String(manifest.name).startsWith(`${wanted}-`)))
        return String(manifest.version)
    } catch {
      // No manifest here.
    }
  }
  return undefined
}

/** Below, equal or above zero as the numbers of versions are; what follows them counts for nothing. */
function compare(first: string, second: string): number {
  const [one, two] = [first, second].map((version) => version.split(/[.-]/, 3).map((number) => Number.parseInt(number, 10) || 0))
  const index = (one ?? []).findIndex((number, at) => number !== two?.[at])
  return index === -1 ? 0 : (one?.[index] ?? 0) - (two?.[index] ?? 0)
}
