import { spawn } from 'node:child_process'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { workFolder } from './places.ts'

/** The folder with `node_modules` in it, or why there is none. */
export type InstalledPeer = { readonly folder: string } | { readonly missing: string }

const openClaw = { package: 'openclaw', version: '2026.4.27' }
const installTimeoutMs = 8 * 60_000

/** Installs OpenClaw once; a folder that exists is whole, since it gets its name only after the installation. */
export async function installOpenClaw(progress: (text: string) => void): Promise<InstalledPeer> {
  const folder = join(workFolder, 'peers', `${openClaw.package}-${openClaw.version}`)
  const isThere = await stat(join(folder, 'node_modules', openClaw.package, 'package.json')).catch(() => undefined)
  if (isThere !== undefined) return { folder }
  progress(`installing ${openClaw.package}@${openClaw.version} (about 350 MB)`)
  const partial = `${folder}.partial-${process.pid}`
  try {
    await mkdir(partial, { recursive: true })
    await writeFile(join(partial, 'package.json'), '{ "private": true }\n')
    const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
    const problem = await runNpm(['install', `${openClaw.package}@${openClaw.version}`, ...options], partial)
    if (problem !== undefined) return { missing: problem }
    await rename(partial, folder)
    return { folder }
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
}

function runNpm(words: readonly string[], cwd: string): Promise<string | undefined> {
  return new Promise((resolve) => {
    const child = spawn('npm', words, { cwd, stdio: ['ignore', 'ignore', 'pipe'], timeout: installTimeoutMs })
    let said = ''
    child.stderr.on('data', (bytes: Buffer) => {
      said += bytes.toString()
    })
    child.on('error', (error) => resolve(`npm could not be run: ${error.message}`))
    child.on('close', (status) => {
      const errors = said.split('\n').filter((line) => line.startsWith('npm error'))
      resolve(status === 0 ? undefined : `npm install failed: ${errors.slice(0, 2).join(' | ')}`)
    })
  })
}
