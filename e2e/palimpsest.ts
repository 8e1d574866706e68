import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { exists } from './clients.ts'
import { at, listAt, shown, textAt } from './json-value.ts'
import { emptyEnvironment, repository } from './places.ts'
import { lastLines, run } from './processes.ts'

/** The built command. */
export const palimpsestCommand = join(repository, 'node_modules/.bin/palimpsest')

/** The command on one store, as a person with one home would run it. */
export interface Palimpsest {
  /** The value that `--json` prints. */
  json(...words: readonly string[]): Promise<unknown>
  /** Standard output as it is. */
  bytes(...words: readonly string[]): Promise<Buffer>
  /** The code and exit status of a run that has to fail. */
  refusal(...words: readonly string[]): Promise<{ readonly code: string; readonly status: number | undefined }>
}

/** How a store in a folder is named. */
export function storeUrlOf(folder: string): string {
  return pathToFileURL(folder).href
}

/** The command with its store in `folder`. */
export async function palimpsestIn(
  folder: string,
  options: { readonly home: string; readonly env?: NodeJS.ProcessEnv | undefined },
): Promise<Palimpsest> {
  if (!(await exists(palimpsestCommand))) throw new Error('the command palimpsest is not built: run the build first')
  const ran = (words: readonly string[]) =>
    run([palimpsestCommand, ...words, '--store', storeUrlOf(folder)], {
      cwd: options.home,
      env: { ...emptyEnvironment(options.home), ...options.env },
      timeoutMs: 60_000,
    })
  const bytes = async (words: readonly string[]): Promise<Buffer> => {
    const { status, stdout, stderr, timedOut } = await ran(words)
    if (status === 0) return stdout
    throw new Error(
      `palimpsest ${words.join(' ')} ${timedOut ? 'took too long' : `exited ${status}`}: ${lastLines(stdout)} ${lastLines(stderr)}`,
    )
  }
  return {
    bytes: (...words) => bytes(words),
    json: async (...words): Promise<unknown> => parsed(await bytes([...words, '--json'])),
    refusal: async (...words) => {
      const { status, stdout } = await ran([...words, '--json'])
      if (status === 0) throw new Error(`palimpsest ${words.join(' ')} was to fail and gave ${lastLines(stdout)}`)
      return { code: textAt(parsed(stdout), 'error', 'code'), status }
    },
  }
}

/** Scans one file; gives the ids of its checkpoints, oldest first, of a session without problems. */
export async function scanned(palimpsest: Palimpsest, path: string): Promise<readonly string[]> {
  const found = await palimpsest.json('scan', path)
  const sessions = listAt(found, 'sessions')
  if (sessions.length !== 1) throw new Error(`expected one session in ${shown(found)}`)
  const problems = listAt(sessions[0], 'problems')
  if (problems.length > 0) throw new Error(`scan reports problems: ${shown(problems)}`)
  return listAt(sessions[0], 'checkpoints').map((_, index) => textAt(sessions[0], 'checkpoints', index))
}

/** Scans one file that has exactly one compaction; gives its checkpoint. */
export async function scannedOnce(palimpsest: Palimpsest, path: string): Promise<string> {
  const ids = await scanned(palimpsest, path)
  const [only] = ids
  if (only === undefined || ids.length > 1) throw new Error(`expected one checkpoint, found ${ids.length}`)
  return only
}

/** The record of a checkpoint. */
export async function shownCheckpoint(palimpsest: Palimpsest, id: string): Promise<unknown> {
  return at(await palimpsest.json('show', id), 'checkpoint')
}

function parsed(stdout: Buffer): unknown {
  try {
    const value: unknown = JSON.parse(stdout.toString())
    return value
  } catch {
    throw new Error(`standard output is not one JSON value: ${lastLines(stdout)}`)
  }
}
