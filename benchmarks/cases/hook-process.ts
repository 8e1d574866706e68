import { spawn } from 'node:child_process'
import { copyFile, mkdir, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Bench, Case } from '../bench.ts'
import { claudeCodeSessionId } from '../claude-code-lines.ts'
import { claudeCodeTranscript } from '../grown-transcript.ts'
import { emptyEnvironment } from '../places.ts'
import type { Row } from '../result.ts'
import { median, spread } from '../statistics.ts'

/** A process from start to exit with an unchanged transcript of 4 MiB, against `node -e 0`. */
export const hookProcess: Case = {
  name: 'hook',
  async measure(bench) {
    const source = await claudeCodeTranscript(4)
    const path = join(bench.folder, 'projects', basename(source))
    await mkdir(join(bench.folder, 'projects'))
    await copyFile(source, path)
    const store = join(bench.folder, 'store')
    const capture = [bench.build.command, 'capture', '--agent', 'claude-code', '--transcript', path, '--store', store, '--json']
    await said(bench, capture)
    const outcome = JSON.parse(await said(bench, capture)).outcome
    if (outcome !== 'unchanged') throw new Error(`the second capture of the same bytes was ${outcome}`)
    const captured = await interleaved(bench, capture, '')
    const rows: Row[] = [rowOf('palimpsest capture, unchanged 4 MiB, start to exit', captured, undefined)]
    const what = 'hook process, unchanged 4 MiB, start to exit'
    const hook = join(bench.build.command, '../../dist/commands/hook.js')
    if ((await stat(hook).catch(() => undefined)) === undefined) {
      return { rows: [{ what, skipped: 'this build has no hook command; the row below is what stands in its place' }, ...rows] }
    }
    const words = [bench.build.command, 'hook', 'claude-code', 'PreCompact', '--store', store]
    const payload = {
      session_id: claudeCodeSessionId,
      transcript_path: path,
      cwd: '/home/dev/project',
      hook_event_name: 'PreCompact',
      trigger: 'auto',
    }
    const hooked = await interleaved(bench, words, JSON.stringify({ ...payload, custom_instructions: '' }))
    return { rows: [rowOf(what, hooked, { atMost: 1.6 }), ...rows] }
  },
}

interface Times {
  readonly ours: readonly number[]
  readonly bare: readonly number[]
}

async function interleaved(bench: Bench, words: readonly string[], stdin: string): Promise<Times> {
  const times = { ours: [] as number[], bare: [] as number[] }
  for (let run = 0; run <= bench.runs * 3; run += 1) {
    const [ours, bare] = [await processTime(bench, words, stdin), await processTime(bench, ['-e', '0'], '')]
    if (run === 0) continue
    times.ours.push(ours)
    times.bare.push(bare)
  }
  return times
}

async function processTime(bench: Bench, words: readonly string[], stdin: string): Promise<number> {
  const start = performance.now()
  await said(bench, words, stdin)
  return performance.now() - start
}

/** What a Node process writes to standard output; throws where it fails. */
function said(bench: Bench, words: readonly string[], stdin = ''): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [...words], { env: emptyEnvironment(bench.folder), stdio: 'pipe', timeout: 60_000 })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (bytes: Buffer) => {
      stdout += bytes.toString()
    })
    child.stderr.on('data', (bytes: Buffer) => {
      stderr += bytes.toString()
    })
    child.on('error', reject)
    child.on('close', (status) =>
      status === 0 ? resolve(stdout) : reject(new Error(`node ${words.join(' ')} exited ${status}: ${stderr}`)),
    )
    // A process that reads no input may be gone before it is written.
    child.stdin.on('error', () => undefined)
    child.stdin.end(stdin)
  })
}

function rowOf(what: string, { ours, bare }: Times, bar: { readonly atMost: number } | undefined): Row {
  return {
    what,
    ours: spread(ours, 'ms'),
    peer: `node -e 0: ${spread(bare, 'ms')}`,
    value: median(ours) / median(bare),
    unit: '× the time',
    bar,
  }
}
