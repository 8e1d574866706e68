import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Checkpoint } from '@palimpsest/core'
import { type Host, openHost } from '@palimpsest/host'
import { bundleHook } from '../../bundle.ts'

/** The hook's own program, built from the sources as `pnpm build` does. */
export interface HookProgram extends AsyncDisposable {
  readonly entry: string
  /** The command, of which only `hook` is there. */
  readonly command: string
}

export async function buildHookProgram(): Promise<HookProgram> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-hook-program-'))
  await mkdir(join(folder, 'bin'))
  await bundleHook(join(folder, 'dist'))
  await writeFile(join(folder, 'package.json'), '{ "type": "module" }')
  for (const name of ['palimpsest-hook.cjs', 'palimpsest.js']) {
    await copyFile(join(import.meta.dirname, '../../bin', name), join(folder, 'bin', name))
  }
  const entry = join(folder, 'bin', 'palimpsest-hook.cjs')
  return { entry, command: join(folder, 'bin', 'palimpsest.js'), [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }) }
}

interface Ended {
  readonly status: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

interface HookRun {
  readonly child: ChildProcessWithoutNullStreams
  readonly ended: Promise<Ended>
}

/** A user's home folder with a store in its usual place. */
export interface HookHome extends AsyncDisposable {
  readonly folder: string
  readonly store: string
  /** Starts a hook; without `input` its standard input stays open. */
  start(
    words: readonly string[],
    input: string | undefined,
    options?: { readonly node?: string; readonly env?: Record<string, string> },
  ): HookRun
  /** Runs `command` in a shell, where `$HOOK` is the program and its Node, and `$COMMAND` the command's file. */
  shell(command: string): HookRun
  /** Runs a hook to its end, and expects what must always be: status 0, nothing on standard error. */
  run(words: readonly string[], input: string): Promise<string>
  /** The lines of the hook's log, the newest last. */
  log(): Promise<readonly { readonly message: string; readonly code?: string }[]>
  host(): Promise<Host>
  checkpoints(): Promise<readonly Checkpoint[]>
}

export async function createHome(program: HookProgram): Promise<HookHome> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-hook-home-'))
  const store = join(folder, '.local/share/palimpsest')
  const home: HookHome = {
    folder,
    store,
    start(words, input, { node = process.execPath, env = {} } = {}) {
      const run = watched(spawn(node, [program.entry, ...words], { cwd: folder, env: { HOME: folder, ...env } }))
      if (input !== undefined) run.child.stdin.end(input)
      return run
    },
    shell(command) {
      const env = { HOME: folder, HOOK: `${process.execPath} ${program.entry}`, COMMAND: program.command }
      return watched(spawn('/bin/sh', ['-c', command], { cwd: folder, env }))
    },
    async run(words, input) {
      const { status, stdout, stderr } = await home.start(words, input).ended
      if (status !== 0 || stderr !== '') throw new Error(`the hook ended with ${status}: ${stderr}`)
      return stdout
    },
    async log() {
      const text = await readFile(join(folder, '.local/state/palimpsest/hook.log'), 'utf8').catch(() => '')
      return text.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line)]))
    },
    host: () => openHost({ env: {}, homeFolder: folder }),
    async checkpoints() {
      const host = await home.host()
      try {
        return (await host.checkpoints.list()).checkpoints
      } finally {
        await host.close()
      }
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
  return home
}

function watched(child: ChildProcessWithoutNullStreams): HookRun {
  let [stdout, stderr] = ['', '']
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece
  })
  child.stdin.on('error', () => undefined)
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status, signal) => resolve({ status, signal, stdout, stderr }))
  })
  return { child, ended }
}
