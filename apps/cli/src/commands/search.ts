import { resolve } from 'node:path'
import type { SearchPage } from '@palimpsest/core'
import { addExamples } from '../help.ts'
import { indexingText } from '../indexing-text.ts'
import type { Invocation } from '../invocation.ts'
import { OptionInvalid, wholeNumber } from '../option-values.ts'
import type { DefineCommand } from '../program.ts'
import { startProgress } from '../progress.ts'
import { nothingFound, searchBlocks, searchNotes } from '../search-text.ts'

interface SearchOptions {
  readonly agent?: string
  readonly sessionKey?: string
  readonly cwd?: string
  readonly limit?: number
  readonly cursor?: string
}

/** How long it indexes before it answers from what is indexed by then. */
const updateMs = 30_000

const queryLanguage = `
The query (several words are one query; case does not matter):
  words            entries with all of the words, then with any of them
  "a phrase"       found as it stands, such as an error line; in a shell quote it twice: '"a phrase"'
  -word -"phrase"  not with this one
  role:user        said by: user, assistant, tool, system
  tool:bash        calls and results of a tool
  agent:codex      sessions of an agent
  path:src/app.ts  entries that name this path, or its end
  before:2026-08-01 after:3d      a day, a time, or an age: 30m, 12h, 3d, 2w
  dropped:true     only what a compaction took out of the context; dropped:false only the rest
Anything else is text: no sign is an operator, and none is an error. Words that begin with two dashes stand behind --.`

/** `search`: entries of all checkpoints that hold what a query says, best first. */
export const defineSearch: DefineCommand = (command, invocation) => {
  command
    .description(
      'Finds entries in everything that is kept, best first: text, commands and their output, summaries. What is new is indexed first.',
    )
    .argument('<query...>', 'what to look for, see below')
    .option('--agent <agent>', 'in sessions of this agent alone')
    .option('--session-key <key>', 'in this session alone')
    .option('--cwd <folder>', 'in sessions of this project folder alone')
    .option('--limit <count>', 'how many a page holds, 1 to 100 (default: 20)', wholeNumber('--limit', 1, 100))
    .option('--cursor <cursor>', 'the next page, as the page before says')
    // A word to leave out begins with a dash.
    .allowUnknownOption()
    .addHelpText('after', queryLanguage)
    .action((words: readonly string[], options: SearchOptions) => search(invocation, words, options))
  addExamples(command, [
    ['palimpsest search connection refused', 'both words, wherever they stand'],
    [`palimpsest search '"error: ECONNREFUSED 127.0.0.1:5432"'`, 'an error line, as it was'],
    ['palimpsest search migrate tool:bash dropped:true', 'a command that the summary forgot'],
    ['palimpsest search why queue role:user after:2w', 'what was asked for'],
    ['palimpsest search -- --no-verify', 'a flag of a command'],
    ['palimpsest search retry -test --json', 'for programs: { hits, nextCursor, waiting, problems }'],
  ])
}

async function search(invocation: Invocation, words: readonly string[], options: SearchOptions): Promise<void> {
  refuseUnknownOptions(invocation, words)
  const { cwd, ...query } = options
  const text = words.join(' ')
  const page = await found(invocation, {
    ...query,
    query: text,
    ...(cwd === undefined ? {} : { cwd: resolve(invocation.context.cwd, cwd) }),
  })
  const isEmpty = page.hits.length === 0 && options.cursor === undefined
  const blocks = isEmpty && !invocation.json ? await nothingFound(invocation, page) : undefined
  await invocation.output.result(page, () => blocks ?? searchBlocks(invocation, { words, options: { ...options } }, page))
  if (!invocation.json) await invocation.output.note(...searchNotes(invocation, page))
}

async function found(
  invocation: Invocation,
  query: Omit<SearchOptions, 'cwd'> & { readonly query: string; readonly cwd?: string },
): Promise<SearchPage> {
  const checkpoints = await invocation.checkpoints()
  const progress = await startProgress(invocation, 'Searching…')
  try {
    return await checkpoints.search({
      ...query,
      updateMs,
      signal: invocation.signal,
      onProgress: (indexing) => progress.show(indexing.done === indexing.total ? 'Searching…' : indexingText('Indexing', indexing)),
    })
  } finally {
    progress.stop()
  }
}

/** `-word` belongs to the query, but `--limt 5` is a mistake; what stands behind `--` is text. */
function refuseUnknownOptions({ argv, commandLine }: Invocation, words: readonly string[]): void {
  const end = argv.indexOf('--')
  const before = new Set(end === -1 ? argv : argv.slice(0, end))
  const unknown = words.find((word) => word.startsWith('--') && before.has(word) && !word.includes(' '))
  if (unknown === undefined) return
  throw new OptionInvalid(`search has no option ${unknown}. To look for it: ${commandLine('search', '--', ...words)}`, {
    argument: unknown,
  })
}
