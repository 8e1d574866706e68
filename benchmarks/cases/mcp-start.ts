import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Bench, Case } from '../bench.ts'
import { installMemoryServer } from '../peers.ts'
import { emptyEnvironment } from '../places.ts'
import type { Row } from '../result.ts'
import { mebibytes, median, spread } from '../statistics.ts'

const params = { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'benchmark', version: '1' } }
const initialize = `${JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'initialize', params })}\n`

/** The MCP server from its start to its first answer, against the protocol's reference memory server. */
export const mcpStart: Case = {
  name: 'mcp',
  async measure(bench) {
    const what = 'MCP server, spawn to initialize answer'
    const peer = await installMemoryServer(bench.progress)
    if ('missing' in peer) return { rows: [{ what, skipped: peer.missing }] }
    const memoryServer = join(peer.folder, 'node_modules/@modelcontextprotocol/server-memory/dist/index.js')
    const ours: Start[] = []
    const theirs: Start[] = []
    for (let run = 0; run <= bench.runs * 3; run += 1) {
      const [one, other] = [
        await start(bench, { words: [bench.build.command, 'mcp'], name: 'palimpsest', isFirst: run === 0 }),
        await start(bench, { words: [memoryServer], name: 'memory-server', isFirst: run === 0 }),
      ]
      if (run === 0) continue
      ours.push(one)
      theirs.push(other)
    }
    const row = (name: string, unit: string, atMost: number, of: (each: Start) => number): Row => ({
      what: name,
      ours: spread(ours.map(of), unit),
      peer: `server-memory: ${spread(theirs.map(of), unit)}`,
      value: median(ours.map(of)) / median(theirs.map(of)),
      unit: unit === 'ms' ? '× the time' : '× the memory',
      bar: { atMost },
    })
    const times = row(what, 'ms', 0.6, ({ ms }) => ms)
    const residents = 'MCP server, resident memory after the initialize answer'
    if (ours.some(({ residentBytes }) => residentBytes === undefined)) {
      return { rows: [times, { what: residents, skipped: 'this system has no /proc to read it from' }] }
    }
    return { rows: [times, row(residents, 'MiB', 0.9, ({ residentBytes }) => mebibytes(residentBytes ?? 0))] }
  },
}

interface Start {
  readonly ms: number
  readonly residentBytes: number | undefined
}

interface Server {
  readonly words: readonly string[]
  readonly name: string
  /** It ends by itself, as one that lived for a while: what it keeps for the next one it has kept. */
  readonly isFirst: boolean
}

/** Starts a server, waits for its first answer, which has to be its own, and ends it. */
async function start(bench: Bench, { words, name, isFirst }: Server): Promise<Start> {
  const began = performance.now()
  const env = { ...emptyEnvironment(bench.folder), MEMORY_FILE_PATH: join(bench.folder, 'memory.jsonl') }
  const child = spawn(process.execPath, words, { env, stdio: ['pipe', 'pipe', 'ignore'], timeout: 60_000 })
  const closed = new Promise<void>((resolve) => child.once('close', () => resolve()))
  try {
    child.stdin.on('error', () => undefined)
    child.stdin.write(initialize)
    for await (const line of createInterface({ input: child.stdout })) {
      const ms = performance.now() - began
      if (JSON.parse(line).result?.serverInfo?.name !== name) throw new Error(`node ${words.join(' ')} answered ${line.slice(0, 200)}`)
      return { ms, residentBytes: await residentBytesOf(child.pid) }
    }
    throw new Error(`node ${words.join(' ')} ended without an answer`)
  } finally {
    if (isFirst) child.stdin.end()
    else child.kill()
    await closed
  }
}

async function residentBytesOf(pid: number | undefined): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kibibytes = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kibibytes === undefined ? undefined : Number(kibibytes) * 1024
}
