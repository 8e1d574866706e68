import type { EntryPage, ReadEntry, ReadView } from '@palimpsest/core'
import { Option } from 'commander'
import { indented } from '../checkpoint-details.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { oneOf, pageLimit, refuseTogether, wholeNumber } from '../option-values.ts'
import type { Block } from '../output.ts'
import { timeAgo } from '../point-in-time.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { shortId } from '../short-id.ts'
import { styled, type Text } from '../text.ts'

interface ReadOptions extends SessionOptions {
  readonly view?: ReadView
  readonly from?: number
  readonly limit?: number
  readonly around?: string
  readonly dropped?: true
  readonly raw?: true
  readonly part?: string
}

const views: readonly ReadView[] = ['context', 'after', 'all', 'raw']

/** `read`: entries of a checkpoint in pages, or with `--raw` the exact bytes of a part. */
export const defineRead: DefineCommand = (command, invocation) => {
  command
    .description('Reads what the transcript said at a checkpoint.')
    .argument('<id>', idDescription)
    .addOption(
      new Option(
        '--view <view>',
        'context: what the model saw; after: the same after the compaction; all: every message on the branch; raw: every line (default: context)',
      ).argParser(oneOf('--view', views)),
    )
    .option('--from <place>', 'the first entry, counted from 0 in the view', wholeNumber('--from'))
    .option('--limit <count>', 'how many entries, 1 to 1000 (default: 50)', pageLimit)
    .option('--around <entry>', 'the page around this entry, in the first of context, all and raw that has it')
    .option('--dropped', 'only entries that the compaction dropped')
    .option('--raw', 'the exact bytes of the transcript on standard output')
    .option('--part <name>', 'every line of a sidecar instead of the main part (show lists them); with --raw its exact bytes')
  addSessionOptions(command)
  command.action((id: string, options: ReadOptions) =>
    options.raw === true ? readRaw(invocation, id, options) : read(invocation, id, options),
  )
  addExamples(command, [
    ['palimpsest read latest', 'what the model saw before the last compaction'],
    ['palimpsest read latest --dropped', 'what it no longer sees'],
    ['palimpsest read latest --around 51a1656c', 'an entry and what stands around it'],
    ['palimpsest read latest --part subagents/agent-1.jsonl', 'what a sub-agent said'],
    ['palimpsest read latest --raw > session.jsonl', 'the exact bytes'],
  ])
}

async function read(invocation: Invocation, id: string, options: ReadOptions): Promise<void> {
  const { agent: _agent, sessionKey: _sessionKey, raw: _raw, ...query } = options
  if (query.around !== undefined && query.from !== undefined) refuseTogether('--around', ['--from'], 'both say where the page is.')
  const checkpoints = await invocation.checkpoints()
  const page = await checkpoints.read(id, { ...query, ...withinSession(options, invocation.signal) })
  await invocation.output.result(page, () => blocks(invocation, options, page))
}

async function readRaw(invocation: Invocation, id: string, options: ReadOptions): Promise<void> {
  const { view, from, limit, around, dropped } = options
  const given = Object.entries({ view, from, limit, around, dropped }).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name}`],
  )
  refuseTogether('--raw', invocation.json ? [...given, '--json'] : given, '--raw gives the exact bytes and nothing else.')
  const checkpoints = await invocation.checkpoints()
  const part = options.part === undefined ? {} : { part: options.part }
  for await (const bytes of checkpoints.raw(id, { ...part, ...withinSession(options, invocation.signal) })) {
    invocation.signal.throwIfAborted()
    await invocation.output.bytes(bytes)
  }
}

function blocks(invocation: Invocation, options: ReadOptions, page: EntryPage): readonly Block[] {
  const problems = page.problems.map(
    ({ line, message }): Text => styled('yellow', `${line === undefined ? '' : `line ${line}: `}${message}`),
  )
  if (page.entries.length === 0)
    return [...problems, page.total === 0 ? 'No entries here.' : `No entries from ${page.from} on: there are ${page.total}.`]
  const entries = page.entries.flatMap((entry, index) => [...entryLines(entry, page.from + index, invocation.context.now()), ''])
  const last = page.from + page.entries.length - 1
  return [
    ...entries,
    ...problems,
    styled(
      'dim',
      `Entries ${page.from} to ${last} of ${page.total}, ${page.part === undefined ? `view ${page.view}` : `part ${page.part}`}.`,
    ),
    ...nextEntries(invocation, options, page),
  ]
}

function entryLines(entry: ReadEntry, place: number, now: number): readonly Text[] {
  const facts = [
    entry.tool,
    entry.id,
    entry.createdAt === undefined ? undefined : timeAgo(entry.createdAt, now),
    entry.dropped === true ? 'dropped' : undefined,
  ]
  // One line, whatever the transcript says, so that no text can look like the head of another entry.
  const rest = facts.filter((fact) => fact !== undefined).map((fact) => ` · ${fact.replace(/\s+/g, ' ')}`)
  const head: Text = [
    styled('dim', `#${place} `),
    styled(entry.kind === 'gap' ? 'red' : 'bold', entry.role ?? entry.kind),
    styled('dim', rest.join('')),
  ]
  return entry.text === '' ? [head] : [head, indented(entry.text)]
}

function nextEntries(invocation: Invocation, options: ReadOptions, page: EntryPage): readonly Text[] {
  if (page.next === undefined) return []
  const which = page.part === undefined ? ['--view', page.view] : ['--part', page.part]
  const words = ['read', shortId(page.checkpointId), ...which, '--from', String(page.next)]
  if (options.limit !== undefined) words.push('--limit', String(options.limit))
  if (options.dropped === true) words.push('--dropped')
  return [[styled('dim', 'Next page: '), invocation.commandLine(...words)]]
}
