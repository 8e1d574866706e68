import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const bin = fileURLToPath(new URL('bin.ts', import.meta.url))

/** The program on its sources. */
export const programArgv: readonly string[] = [process.execPath, '--conditions=@palimpsest/source', bin]

/** What a process of a test sees of this machine: neither its configuration nor its sessions. */
function environmentOf(folder: string): Record<string, string> {
  return { PATH: process.env['PATH'] ?? '', HOME: folder, PALIMPSEST_STORE: 'store' }
}

export interface Running {
  readonly child: ChildProcessWithoutNullStreams
  readonly finished: Promise<{ readonly status: number | null; readonly stdout: string; readonly stderr: string }>
}

/** Starts the program, or `argv` whole, in `folder`, with the store that lies there; as another user where one is given. */
export function startProgram(
  folder: string,
  args: readonly string[],
  [command = '', ...before] = programArgv,
  user: { readonly uid?: number; readonly gid?: number } = {},
): Running {
  const child = spawn(command, [...before, ...args], { cwd: folder, env: environmentOf(folder), ...user })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (piece: string) => {
    stdout += piece
  })
  child.stderr.setEncoding('utf8').on('data', (piece: string) => {
    stderr += piece
  })
  child.stdin.on('error', () => undefined)
  const finished = new Promise<Awaited<Running['finished']>>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (status) => resolve({ status, stdout, stderr }))
  })
  return { child, finished }
}
