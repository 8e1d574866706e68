import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { openHost } from '@palimpsest/host'
import { commandLine, type Ended } from './command-line.ts'
import { type PiSession, piSession } from './pi-session.ts'

export interface Scanned {
  readonly sessions: readonly { readonly checkpoints: readonly string[] }[]
}

/** A folder with a store of its own, and this machine's code on it. */
export interface Store extends AsyncDisposable {
  readonly folder: string
  run(argv: readonly string[], input?: string): Promise<Ended>
  /** Runs with `--json`, expects success, and gives the value. */
  json(...argv: readonly string[]): Promise<unknown>
}

/** `env` is what the host sees of the environment. */
export async function createStore(env: Readonly<Record<string, string>> = {}): Promise<Store> {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-cli-'))
  const run = async (argv: readonly string[], input = ''): Promise<Ended> => {
    const host = await openHost({ env, homeFolder: folder, store: join(folder, 'store') })
    return commandLine(argv, { host, cwd: folder, stdin: Readable.from([input]) })
  }
  return {
    folder,
    run,
    async json(...argv) {
      const { status, stdout, stderr, json } = await run([...argv, '--json'])
      if (status !== 0) throw new Error(`${argv.join(' ')} exited ${status}: ${stdout}${stderr}`)
      return json()
    },
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A store that knows one pi session, scanned from `work/session.jsonl`. */
export async function scannedStore(options?: Parameters<typeof piSession>[0]): Promise<{
  readonly store: Store
  readonly file: string
  readonly id: string
  readonly session: PiSession
}> {
  const store = await createStore()
  const session = piSession(options)
  await mkdir(join(store.folder, 'work'))
  const file = join(store.folder, 'work', 'session.jsonl')
  await writeFile(file, session.text)
  const scanned = (await store.json('scan', 'work')) as Scanned
  const id = scanned.sessions[0]?.checkpoints[0]
  if (id === undefined) throw new Error(`no checkpoint: ${JSON.stringify(scanned)}`)
  return { store, file, id, session }
}
