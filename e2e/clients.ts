import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { workFolder } from './places.ts'
import { run } from './processes.ts'

/** A real agent from the package registry. */
export interface ClientPackage {
  readonly name: string
  readonly package: string
  readonly version: string
  readonly installFlags: readonly string[]
}

/** Its folder, with `node_modules` in it, or why there is none. */
export type InstalledClient = { readonly folder: string } | { readonly missing: string }

/** Installs a client once; a folder that exists is whole, since it gets its name only after the installation. */
export async function installClient(client: ClientPackage): Promise<InstalledClient> {
  const folder = join(workFolder, 'clients', `${client.name}-${client.version}`)
  if (await exists(join(folder, 'node_modules', client.package, 'package.json'))) return { folder }
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  await writeFile(join(partial, 'package.json'), '{ "private": true }\n')
  const command = ['npm', 'install', `${client.package}@${client.version}`, '--no-audit', '--no-fund', ...client.installFlags]
  console.log(`     installing ${client.package}@${client.version}`)
  try {
    const { status, stderr, timedOut } = await run(command, { cwd: partial, env: process.env, timeoutMs: 480_000 })
    if (status !== 0) return { missing: `${command.join(' ')} ${timedOut ? 'took too long' : `failed: ${firstErrors(stderr.toString())}`}` }
    await rm(folder, { recursive: true, force: true })
    await rename(partial, folder)
    return { folder }
  } catch (error) {
    return { missing: `npm could not be run: ${error instanceof Error ? error.message : String(error)}` }
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

/** What npm says first is the cause; advice follows. */
function firstErrors(stderr: string): string {
  const errors = stderr.split('\n').filter((line) => line.startsWith('npm error'))
  return errors.slice(0, 3).join(' | ')
}

/** Whether something is at a path. */
export async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined)) !== undefined
}

/** The names in a folder, none where it is missing. */
export async function namesIn(folder: string): Promise<readonly string[]> {
  return await readdir(folder).catch(() => [])
}
