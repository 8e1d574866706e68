import { stat } from 'node:fs/promises'
import { basename, dirname, join, relative, resolve, sep } from 'node:path'
import { type AbortOptions, CheckpointError, isCheckpointError, type TranscriptReader } from '@palimpsest/core'
import type { FindProblem, FoundTranscript } from './find-transcripts.ts'
import type { Host } from './host.ts'
import type { FoundFile } from './walk-files.ts'

/** What a reader is shown of a file to say whether it is its own. */
const headBytes = 64 * 1024

/** How far above a sidecar its session's folder may lie. */
const sidecarLevels = 10

/**
 * Whose session a file is, by the first reader that claims its first 64 KiB. `undefined` for one that is passed over: no session, a sidecar, another
 * agent's than `wanted`; a named file is a problem instead.
 */
export async function recognise(
  file: FoundFile,
  { readers, files }: Pick<Host, 'readers' | 'files'>,
  wanted: ReadonlySet<string>,
  options: AbortOptions,
): Promise<FoundTranscript | FindProblem | undefined> {
  const { path, named } = file
  const main = await mainOfSidecar(path, readers)
  if (main !== undefined) return named ? unrecognised(path, `belongs to the session ${main}. Name that instead`) : undefined
  try {
    const { head, sizeBytes, read } = await readHead(path, files, options)
    const agent = readers.find((reader) => reader.detect(head, file))?.agent
    if (agent !== undefined && wanted.has(agent)) return { agent, path, sizeBytes, ...(read === undefined ? {} : { files: read }) }
    return named ? unrecognised(path, whyUnwanted(agent, readers)) : undefined
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    const vanished = !named && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'ENOENT'
    return vanished ? undefined : { path, error }
  }
}

/** The main file, where it is there, whose sidecar a file is by its place; `undefined` for a file that is no sidecar. */
export async function mainOfSidecar(path: string, readers: readonly TranscriptReader[]): Promise<string | undefined> {
  let folder = dirname(path)
  for (let level = 0; level < sidecarLevels; level += 1) {
    const parent = dirname(folder)
    const mainName = `${basename(folder)}.jsonl`
    const rules = readers.flatMap((reader) => reader.sidecars(mainName))
    const named = rules.some((rule) => nameWithin(resolve(parent, rule.folder), path).search(rule.pattern) !== -1)
    if (named && (await isFile(join(parent, mainName)))) return join(parent, mainName)
    folder = parent
  }
  return undefined
}

/** The `/`-joined name of `path` relative to `folder`; where it doesn't lie below it, a name that begins with `..`. */
function nameWithin(folder: string, path: string): string {
  return relative(folder, path).split(sep).join('/')
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true
}

async function readHead(
  path: string,
  files: Host['files'],
  options: AbortOptions,
): Promise<{ head: Uint8Array; sizeBytes: number; read: readonly string[] | undefined }> {
  const transcript = await files.origin(path).open(options)
  try {
    for await (const { source } of transcript.parts()) {
      const head = await source.read(0, Math.min(headBytes, source.sizeBytes), options)
      return { head, sizeBytes: source.sizeBytes, read: transcript.files }
    }
    return { head: new Uint8Array(), sizeBytes: 0, read: transcript.files }
  } finally {
    await transcript.close()
  }
}

function whyUnwanted(agent: string | undefined, readers: readonly TranscriptReader[]): string {
  if (agent !== undefined) return `is a session of ${agent}, which was not asked for`
  return `is no session of an agent that is known (${readers.map((reader) => reader.agent).join(', ')})`
}

function unrecognised(path: string, problem: string): FindProblem {
  return { path, error: new CheckpointError('TRANSCRIPT_UNRECOGNISED', `${path} ${problem}.`, { path }) }
}
