import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { describe, expect, onTestFinished, test } from 'vitest'
import { programArgv } from './process.ts'

const gibibyte = 1024 ** 3
/** What a process may have at most, the program itself included: far less than the transcript. */
const maxResidentBytes = 400 * 1024 ** 2

interface Ended {
  readonly status: number | null
  readonly stderr: string
  readonly stdout: string
  readonly sha256: string
  readonly peakBytes: number
}

/** Runs the program, keeps the digest of what it prints and the first of it, and watches its memory. */
async function palimpsest(folder: string, args: readonly string[]): Promise<Ended> {
  const [command = '', ...before] = programArgv
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder }
  const child = spawn(command, [...before, ...args], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const digest = createHash('sha256')
  let [stdout, stderr, peakBytes] = ['', '', 0]
  child.stdout.on('data', (piece: Buffer) => {
    digest.update(piece)
    if (stdout.length < 4 * 1024 ** 2) stdout += piece.toString('utf8')
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece
  })
  const closed = new Promise<number | null>((resolve, reject) => child.on('error', reject).on('close', resolve))
  let isOpen = true
  void closed.finally(() => {
    isOpen = false
  })
  while (isOpen) {
    const said = /VmHWM:\s+(\d+) kB/.exec(await readFile(`/proc/${child.pid}/status`, 'utf8').catch(() => ''))?.[1]
    peakBytes = Math.max(peakBytes, Number(said ?? 0) * 1024)
    await Promise.race([closed, wait(100)])
  }
  return { status: await closed, stdout, stderr, sha256: digest.digest('hex'), peakBytes }
}

/** A session of pi of more than 1 GiB, with a compaction in its first third, and one near its end. Gives where these begin. */
async function writeTranscript(path: string): Promise<readonly number[]> {
  const file = await open(path, 'wx')
  const boundaries: number[] = []
  let written = 0
  let waiting: Buffer[] = []
  let parentId: string | null = null
  const put = async (line: Record<string, unknown>) => {
    const bytes = Buffer.from(`${JSON.stringify(line)}\n`)
    waiting.push(bytes)
    written += bytes.length
    if (waiting.length < 1024) return
    await file.writev(waiting)
    waiting = []
  }
  await put({ type: 'session', version: 3, id: 'large', timestamp: '2026-01-02T03:04:05.000Z', cwd: '/project' })
  for (let number = 0; written < 1.05 * gibibyte; number += 1) {
    const id = number.toString(16).padStart(8, '0')
    const at = { id, parentId, timestamp: new Date(1_767_323_045_000 + number).toISOString() }
    const isBoundary = boundaries.length < (written > gibibyte ? 2 : written > gibibyte / 3 ? 1 : 0)
    if (isBoundary) {
      boundaries.push(written)
      await put({ type: 'compaction', ...at, summary: `up to ${number}`, firstKeptEntryId: parentId, tokensBefore: 1000 })
    } else {
      const text = `${createHash('sha256').update(id).digest('hex')} ${'a line of a log that says little. '.repeat(120)}`
      await put({ type: 'message', ...at, message: { role: number % 2 === 0 ? 'user' : 'assistant', content: [{ type: 'text', text }] } })
    }
    parentId = id
  }
  await file.writev(waiting)
  await file.close()
  return boundaries
}

async function digestOf(path: string, end: number): Promise<string> {
  const digest = createHash('sha256')
  for await (const piece of createReadStream(path, { end: end - 1 })) digest.update(piece)
  return digest.digest('hex')
}

// Some minutes, and 3 GiB of disk: PALIMPSEST_LARGE=1 vitest run apps/cli/test/large-transcript.test.ts
describe.skipIf(process.env['PALIMPSEST_LARGE'] === undefined || process.platform !== 'linux')('a transcript over 1 GiB', () => {
  test('is scanned, captured, read and given back exactly, in little memory', { timeout: 900_000 }, async () => {
    const folder = await mkdtemp(join(tmpdir(), 'palimpsest-large-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const path = join(folder, 'large.jsonl')
    const boundaries = await writeTranscript(path)
    const { size } = await stat(path)
    expect(size).toBeGreaterThan(gibibyte)
    const run = async (...args: string[]) => {
      const ended = await palimpsest(folder, args)
      process.stderr.write(`${args[0]}: at most ${Math.round(ended.peakBytes / 1024 ** 2)} MiB resident\n`)
      expect({ status: ended.status, stderr: ended.stderr }).toEqual({ status: 0, stderr: '' })
      expect(ended.peakBytes).toBeLessThan(maxResidentBytes)
      return ended
    }
    const { sessions } = JSON.parse((await run('scan', path, '--json')).stdout)
    expect(sessions).toMatchObject([{ sessionKey: 'large', created: 2, problemCount: 0, sizeBytes: size }])
    const again = JSON.parse((await run('scan', path, '--json')).stdout)
    expect(again.sessions).toMatchObject([{ created: 0, checkpoints: sessions[0].checkpoints }])
    const captured = JSON.parse((await run('capture', '--agent', 'pi', '--transcript', path, '--reason', 'requested', '--json')).stdout)
    expect(captured.checkpoint).toMatchObject({ sizeBytes: size, status: 'snapshot' })
    const page = JSON.parse((await run('read', captured.checkpoint.id, '--limit', '20', '--json')).stdout)
    expect(page.entries).toHaveLength(20)
    expect(page.entries[0]).toMatchObject({ kind: 'summary' })
    const ends = [...boundaries, size]
    for (const [at, id] of [...sessions[0].checkpoints, captured.checkpoint.id].entries()) {
      expect((await run('read', id, '--raw')).sha256).toBe(await digestOf(path, ends[at] ?? 0))
    }
  })
})
