import { spawn } from 'node:child_process'
import { copyFile, mkdir } from 'node:fs/promises'
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
    const hook = (entry: string, event: string, more: object): Process => ({
      words: [...entry.split(' '), 'claude-code', event, '--store', store],
      stdin: JSON.stringify({
        session_id: claudeCodeSessionId,
        transcript_path: path,
        cwd: '/home/dev/project',
        hook_event_name: event,
        ...more,
      }),
    })
    const entry = join(bench.build.command, '../palimpsest-hook.cjs')
    const processes = {
      before: hook(entry, 'PreCompact', { trigger: 'auto', custom_instructions: null }),
      ending: hook(entry, 'SessionEnd', { reason: 'other' }),
      command: hook(`${bench.build.command} hook`, 'PreCompact', { trigger: 'auto', custom_instructions: null }),
      after: hook(entry, 'SessionStart', { source: 'compact' }),
      capture: {
        words: [bench.build.command, 'capture', '--agent', 'claude-code', '--transcript', path, '--store', store, '--json'],
        stdin: '',
      },
      bare: { words: ['-e', '0'], stdin: '' },
    }
    const times = await interleaved(bench, processes)
    // A hook says nothing when it fails: that it did its work is seen in the store, and in what it says after a compaction.
    const told = await said(bench, processes.after)
    const { outcome, checkpoint } = JSON.parse(await said(bench, processes.capture))
    if (outcome !== 'unchanged' || checkpoint.reason !== 'auto-threshold' || !told.includes(checkpoint.id)) {
      throw new Error(`the hooks did not do their work: ${outcome}, ${checkpoint.reason}, ${JSON.stringify(told)}`)
    }
    const row = (what: string, ours: readonly number[], bar?: { readonly atMost: number }): Row => ({
      what,
      ours: spread(ours, 'ms'),
      peer: `node -e 0: ${spread(times.bare, 'ms')}`,
      value: median(ours) / median(times.bare),
      unit: '× the time',
      bar,
    })
    return {
      rows: [
        row('hook process, unchanged 4 MiB, start to exit', times.before, { atMost: 1.6 }),
        row('the same at the end of a session', times.ending),
        row('the same as `palimpsest hook`', times.command),
        row('hook process after a compaction, which loads the engine', times.after),
        row('palimpsest capture, unchanged 4 MiB', times.capture),
      ],
    }
  },
}

interface Process {
  readonly words: readonly string[]
  readonly stdin: string
}

/** The time of each process, all of them in turn; the first of each is not counted. */
async function interleaved<Name extends string>(bench: Bench, processes: Readonly<Record<Name, Process>>): Promise<Record<Name, number[]>> {
  const names = Object.keys(processes) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>
  for (let run = 0; run <= bench.runs * 3; run += 1) {
    for (const name of names) {
      const start = performance.now()
      await said(bench, processes[name])
      if (run > 0) times[name].push(performance.now() - start)
    }
  }
  return times
}

/** What a Node process writes to standard output; throws where it fails. */
function said(bench: Bench, { words, stdin }: Process): Promise<string> {
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
