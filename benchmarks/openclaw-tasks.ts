import { readdirSync, readFileSync, rmSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { pathToFileURL } from 'node:url'

/** OpenClaw's own functions, called as it calls them, in a process of their own. */
const modules = join(process.env['PALIMPSEST_BENCH_OPENCLAW'] ?? '', 'node_modules')
const sessionManagerPath = join(modules, '@mariozechner/pi-coding-agent/dist/core/session-manager.js')
const { SessionManager } = await import(pathToFileURL(sessionManagerPath).href)
const functions = new Map<string, Awaited<ReturnType<typeof findFunction>>>()
let opened: { path: string; size: number; manager: unknown } | undefined

export const tasks = {
  /** One snapshot before a compaction; it is removed afterwards. The session is open already, as it is in OpenClaw. */
  async capture({ path }: { path: string }) {
    const capture = await named('captureCompactionCheckpointSnapshot')
    const { size } = statSync(path)
    if (opened?.path !== path || opened.size !== size) opened = { path, size, manager: SessionManager.open(path) }
    const start = performance.now()
    const snapshot = capture({ sessionManager: opened.manager, sessionFile: path })
    const ms = performance.now() - start
    if (snapshot === null) return { ms, sizeBytes: undefined }
    const sizeBytes = statSync(snapshot.sessionFile).size
    rmSync(snapshot.sessionFile)
    return { ms, sizeBytes }
  },

  /** A new session from a whole transcript. */
  async fork({ path, to }: { path: string; to: string }) {
    opened = undefined
    const start = performance.now()
    const session = SessionManager.forkFrom(path, '/home/dev/project', to)
    const ms = performance.now() - start
    const file = session.getSessionFile()
    const sizeBytes = statSync(file).size
    rmSync(file)
    return { ms, sizeBytes }
  },

  /** What precedes every list: the whole index, read and parsed, or as its cache gives it. Looks one session's checkpoints up. */
  async loadSessions({ path, sessionKey, skipCache }: { path: string; sessionKey: string; skipCache: boolean }) {
    const loadSessions = await named('loadSessionStore')
    const list = await named('listSessionCompactionCheckpoints')
    const start = performance.now()
    const checkpoints = list(loadSessions(path, { skipCache })[sessionKey])
    return { ms: performance.now() - start, count: checkpoints.length }
  },
}

async function named(name: string) {
  const known = functions.get(name) ?? (await findFunction(name))
  functions.set(name, known)
  return known
}

/** Export names are minified, function names are not. */
async function findFunction(name: string) {
  const folder = join(modules, 'openclaw/dist')
  for (const file of readdirSync(folder)) {
    if (!/\.m?js$/.test(file) || !readFileSync(join(folder, file), 'utf8').includes(`function ${name}(`)) continue
    for (const value of Object.values(await import(pathToFileURL(join(folder, file)).href))) {
      if (typeof value === 'function' && value.name === name) return value
    }
  }
  throw new Error(`this OpenClaw has no function ${name}`)
}
