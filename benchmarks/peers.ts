import { spawn } from 'node:child_process'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { workFolder } from './places.ts'

/** The folder with `node_modules` in it, or why there is none. */
export type InstalledPeer = { readonly folder: string } | { readonly missing: string }

interface Peer {
  readonly package: string
  readonly version: string
}

const openClaw: Peer = { package: 'openclaw', version: '2026.4.27' }
const memoryServer: Peer = { package: '@modelcontextprotocol/server-memory', version: '2026.8.31' }
const installTimeoutMs = 8 * 60_000

/** Installs OpenClaw once. */
export function installOpenClaw(progress: (text: string) => void): Promise<InstalledPeer> {
  return install(openClaw, 'about 350 MB', progress)
}

/** Installs the reference memory server of the Model Context Protocol once. */
export function installMemoryServer(progress: (text: string) => void): Promise<InstalledPeer> {
  return install(memoryServer, 'about 30 MB', progress)
}

/** A folder that exists is whole, since it gets its name only after the installation. */
async function install(peer: Peer, size: string, progress: (text: string) => void): Promise<InstalledPeer> {
  const folder = join(workFolder, 'peers', `${peer.package.replaceAll('/', '+')}-${peer.version}`)
  const isThere = await stat(join(folder, 'node_modules', peer.package, 'package.json')).catch(() => undefined)
  if (isThere !== undefined) return { folder }
  progress(`installing ${peer.package}@${peer.version} (${size})`)
  const partial = `${folder}.partial-${process.pid}`
  try {
    await mkdir(partial, { recursive: true })
    await writeFile(join(partial, 'package.json'), '{ "private": true }\n')
    const options = ['--ignore-scripts', '--omit=optional', '--no-audit', '--no-fund']
    const problem = await runNpm(['install', `${peer.package}@${peer.version}`, ...options], partial)
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
