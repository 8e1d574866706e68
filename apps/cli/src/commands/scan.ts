import { checkpointErrorLines, Reported } from '../failure.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { refuseTogether } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { type ScanResult, scanFiles } from '../scan-files.ts'
import { indexKept, indexNotes } from '../scan-index.ts'
import { scanBlocks, scanNotes, scanReport } from '../scan-report.ts'
import { counted } from '../text.ts'

interface ScanOptions {
  readonly agent?: readonly string[]
  readonly again?: true
  readonly root?: string
  readonly index?: false
}

/** `scan`: imports the compactions of every session below the paths. */
export const defineScan: DefineCommand = (command, invocation) => {
  command
    .description('Finds sessions and keeps the exact state before every compaction that they record. Scanning again adds only what is new.')
    .argument('[path...]', 'session files, or folders to look into (default: where the agents keep their sessions)')
    .option('--agent <agent...>', 'sessions of these agents alone')
    .option('--root <folder>', 'another home folder, below which the agents’ own folders are looked for')
    .option('--again', 'also what was deleted before, and read every file again')
    .option('--no-index', 'leave it to the next search to index what is new')
    .action((paths: readonly string[], options: ScanOptions) => scan(invocation, paths, options))
  addExamples(command, [
    ['palimpsest scan', 'all sessions on this machine'],
    ['palimpsest scan ~/.claude/projects --json', 'a folder, for programs: { sessions, problems }'],
    ['palimpsest scan --root /mnt/old-home', 'all sessions of another home, such as one on a disk that is mounted read-only'],
    ['palimpsest scan session.jsonl', 'a file; it is an error when it is no session'],
  ])
}

async function scan(invocation: Invocation, paths: readonly string[], options: ScanOptions): Promise<void> {
  if (options.root !== undefined) refuseTogether('--root', paths.length > 0 ? ['a path'] : [], 'a path is looked into wherever it is.')
  const result = await scanWithProgress(invocation, paths, options)
  const hints = { list: invocation.commandLine('list'), scanFolder: invocation.commandLine('scan', 'PATH') }
  const isIndexing = options.index !== false
  // People see what was kept before it is indexed; a program gets one value.
  const index = invocation.json && isIndexing ? await indexKept(invocation) : undefined
  await invocation.output.result({ ...scanReport(result), ...(index === undefined ? {} : { index }) }, () => scanBlocks(result, hints))
  const [failed] = result.namedFailures
  if (!invocation.json) {
    await invocation.output.note(...scanNotes(result), ...result.namedFailures.flatMap(({ error }) => checkpointErrorLines(error)))
    if (isIndexing) await invocation.output.note(...indexNotes(await indexKept(invocation)))
  }
  if (failed !== undefined) throw new Reported('a named file is no session', { cause: failed.error })
}

async function scanWithProgress(
  invocation: Invocation,
  paths: readonly string[],
  { agent, again, root }: Omit<ScanOptions, 'index'>,
): Promise<ScanResult> {
  const host = await invocation.host()
  const progress = await startProgress(invocation, 'Looking for sessions…')
  try {
    return await scanFiles(host, {
      paths,
      cwd: invocation.context.cwd,
      ...(agent === undefined ? {} : { agents: agent }),
      ...(again === undefined ? {} : { again }),
      ...(root === undefined ? {} : { root }),
      signal: invocation.signal,
      onFound: (files) => progress.show(`Looking for sessions… ${counted(files, 'file')}`),
      onScanned: (done, files) => progress.show(`Scanning… ${done} of ${counted(files, 'file')}`),
    })
  } finally {
    progress.stop()
  }
}
