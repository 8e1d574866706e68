import { execFile } from 'node:child_process'
import { copyFile, mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { Bench, Case } from '../bench.ts'
import { claudeCodeSessionId } from '../claude-code-lines.ts'
import { growTo } from '../grown-transcript.ts'
import { fixturesFolder } from '../places.ts'
import type { Row } from '../result.ts'
import { digits, mebibytes } from '../statistics.ts'

const run = promisify(execFile)
const checkpointCount = 25

const sessions = [
  { agent: 'pi', file: 'pi/before-compaction.jsonl' },
  { agent: 'claude-code', file: 'claude-code/real/258c7280-ae70-4798-800f-63464d01a85d.jsonl' },
  { agent: 'claude-code', file: `claude-code/real/${claudeCodeSessionId}.jsonl` },
]

/** The whole store after 25 completed checkpoints of a real session that grows, against 25 copies of its file. */
export const storedBytes: Case = {
  name: 'bytes',
  async measure(bench) {
    const summary = await realSummary()
    const rows: Row[] = []
    for (const { agent, file } of sessions) rows.push(await measured(bench, { agent, file, summary }))
    return { rows }
  },
}

async function measured(bench: Bench, { agent, file, summary }: { agent: string; file: string; summary: string }): Promise<Row> {
  const ours = await bench.ours()
  const name = basename(file)
  const folder = join(bench.folder, name)
  const store = join(folder, 'store')
  const path = join(folder, 'live', name)
  const repository = join(folder, 'repository')
  await mkdir(join(folder, 'live'), { recursive: true })
  const source = join(fixturesFolder, file)
  const { size } = await stat(source)
  const git = await gitRepository(repository)
  const ids = new Set<string>()
  let copiedBytes = 0
  for (let count = 1; count <= checkpointCount; count += 1) {
    copiedBytes += await growTo(path, source, Math.ceil((size * count) / checkpointCount))
    const captured = await ours.call('capture', { store, path, agent, summary: `Checkpoint ${count}\n${summary}` })
    ids.add(captured.id)
    await copyFile(path, join(repository, name))
    await git?.(['add', name])
    await git?.(['commit', '--quiet', '--message', String(count)])
  }
  if (ids.size !== checkpointCount) throw new Error(`${checkpointCount} captures made ${ids.size} checkpoints`)
  await git?.(['gc', '--quiet'])
  const packed = git === undefined ? undefined : await filesBytes(join(repository, '.git/objects'))
  const stored = await filesBytes(store)
  return {
    what: `bytes stored, ${checkpointCount} checkpoints of ${agent} ${name.slice(0, 8)}`,
    ours: `${stored.toLocaleString('en-US')} B`,
    peer: `copies: ${copiedBytes.toLocaleString('en-US')} B`,
    value: copiedBytes / stored,
    unit: '× smaller',
    bar: { atLeast: 50 },
    note: `${digits(mebibytes(size))} MiB at the end, a summary of ${summary.length} characters each${
      packed === undefined ? '' : `; git, packed, without summaries: ${packed.toLocaleString('en-US')} B`
    }`,
  }
}

/** The sizes of all files below a folder. */
async function filesBytes(folder: string): Promise<number> {
  let sum = 0
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) sum += (await stat(join(entry.parentPath, entry.name))).size
  }
  return sum
}

/** The summary that the real session's first compaction wrote. */
export async function realSummary(): Promise<string> {
  const text = await readFile(join(fixturesFolder, 'pi/before-compaction.jsonl'), 'utf8')
  const line = text.split('\n').find((candidate) => candidate.startsWith('{"type":"compaction"'))
  return JSON.parse(line ?? '{}').summary ?? ''
}

/** Runs git in a new repository that knows nothing of this machine's settings; `undefined` where there is no git. */
async function gitRepository(folder: string): Promise<((words: readonly string[]) => Promise<unknown>) | undefined> {
  await mkdir(folder, { recursive: true })
  const who = { GIT_AUTHOR_NAME: 'bench', GIT_AUTHOR_EMAIL: 'bench', GIT_COMMITTER_NAME: 'bench', GIT_COMMITTER_EMAIL: 'bench' }
  const env = { PATH: process.env['PATH'], HOME: folder, GIT_CONFIG_NOSYSTEM: '1', ...who }
  const git = (words: readonly string[]): Promise<unknown> => run('git', [...words], { cwd: folder, env })
  return git(['init', '--quiet']).then(
    () => git,
    () => undefined,
  )
}
