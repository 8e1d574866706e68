import { type ChangedEntry, type CheckpointDiff, type CheckpointsDiff, type EntrySet, type Fact, factCategories } from '@palimpsest/core'
import { factWords } from './fact-words.ts'
import type { Invocation } from './invocation.ts'
import { lossTable } from './loss-table.ts'
import type { Block } from './output.ts'
import { timeAgo } from './point-in-time.ts'
import { shortId } from './short-id.ts'
import { counted, shortened, styled, type Text } from './text.ts'
import { tokenChange, tokenCount } from './token-count.ts'

const shownOfCategory = 5
const factWidth = 160

/** What a compaction did, for people: counts, bars, and of each category the facts that mattered most. */
export function diffBlocks(invocation: Invocation, diff: CheckpointDiff, options: { readonly all: boolean }): readonly Block[] {
  const { forgotten, categories, leftOut, gaps, problems } = diff
  const id = shortId(diff.checkpointId)
  const tokens = tokenChange(diff)
  return [
    [styled('bold', `Checkpoint ${id}`), styled('dim', ` · ${diff.agent} ${diff.sessionKey}${tokens === '' ? '' : ` · ${tokens} tokens`}`)],
    groupLine('kept', diff.kept),
    groupLine('dropped', diff.dropped),
    groupLine('summarised', diff.summarised, ' of the dropped: the summary still has something that they were first to say'),
    '',
    ...(categories.length === 0
      ? ['The dropped entries hold no facts.']
      : [styled('bold', 'What became of their facts'), lossTable(categories)]),
    ...factCategories.flatMap((category) => categoryLines(category, forgotten, options.all)),
    '',
    ...gapLines(invocation, gaps),
    ...problems.slice(0, 5).map(({ message }): Text => styled('yellow', message)),
    ...(leftOut === 0 ? [] : [styled('dim', `${counted(leftOut, 'fact')} more, mentioned least and longest ago, were not looked at.`)]),
    styled(
      'dim',
      'A fact survives where its words stand verbatim in the summary or in a kept entry; said in other words it counts as gone.',
    ),
    [styled('dim', 'Around a fact:  '), invocation.commandLine('read', id, '--around', 'ENTRY')],
    [styled('dim', 'For an agent:   '), invocation.commandLine('recover', id)],
  ]
}

/** What came and went between two checkpoints, for people. */
export function betweenBlocks(invocation: Invocation, diff: CheckpointsDiff): readonly Block[] {
  const now = invocation.context.now()
  return [
    styled('bold', `From ${shortId(diff.fromId)} to ${shortId(diff.toId)}`),
    setLine('in both', diff.both),
    setLine('added', diff.added),
    setLine('gone', diff.gone),
    ...changedLines('Added', diff.added, now),
    ...changedLines('Gone', diff.gone, now),
    ...(diff.gaps === 0 ? [] : ['', ...gapLines(invocation, diff.gaps)]),
  ]
}

/** What could not be looked at, and the command that mends it. */
export function gapLines(invocation: Invocation, gaps: number): readonly Text[] {
  if (gaps === 0) return []
  const which =
    gaps === 1 ? '1 range of the transcript is damaged and is' : `${tokenCount(gaps)} ranges of the transcript are damaged and are`
  return [styled('yellow', `${which} in no count. To mend what can be mended: ${invocation.commandLine('verify', '--repair')}`)]
}

function groupLine(name: string, group: CheckpointDiff['kept'], more = ''): Text {
  const { entries, tokensEstimated } = group
  return [
    styled('dim', name.padEnd(12)),
    `${tokenCount(entries).padStart(7)} entries, about ${tokenCount(tokensEstimated)} tokens (estimated)`,
    styled('dim', more),
  ]
}

function setLine(name: string, set: EntrySet): Text {
  return [
    styled('dim', name.padEnd(12)),
    `${tokenCount(set.entries).padStart(7)} entries, about ${tokenCount(set.tokensEstimated)} tokens (estimated)`,
  ]
}

function categoryLines(category: Fact['category'], forgotten: readonly Fact[], all: boolean): readonly Text[] {
  const own = forgotten.filter((fact) => fact.category === category)
  const shown = all ? own : own.slice(0, shownOfCategory)
  if (shown.length === 0) return []
  const more = own.length - shown.length
  return [
    '',
    [
      styled('bold', `Forgotten: ${factWords[category]}`),
      styled('dim', more === 0 ? '' : ` (${tokenCount(more)} more: --category ${category})`),
    ],
    ...shown.map(factLine),
  ]
}

function factLine({ text, entryId, part, mentions, survives, standsIn, isCut }: Fact): Text {
  const notes = [
    entryId,
    mentions > 1 ? `${mentions} times` : undefined,
    survives !== 'part' || part === undefined
      ? undefined
      : `of it ${standsIn === 'summary' ? 'the summary has' : 'kept entries have'}: ${shortened(part, 60)}`,
  ].filter((note) => note !== undefined)
  return [
    `  ${shortened(text, factWidth)}${isCut === true ? '…' : ''}`,
    styled('dim', ` · ${notes.map((note) => shortened(note, 120)).join(' · ')}`),
  ]
}

function changedLines(title: string, set: EntrySet & { readonly first: readonly ChangedEntry[] }, now: number): readonly Text[] {
  if (set.first.length === 0) return []
  const more = set.entries - set.first.length
  return [
    '',
    [styled('bold', title), styled('dim', more === 0 ? '' : ` (the first ${set.first.length} of ${tokenCount(set.entries)})`)],
    ...set.first.map(({ entryId, role, kind, tool, createdAt, excerpt }): Text => {
      const facts = [tool, entryId, createdAt === undefined ? undefined : timeAgo(createdAt, now)].filter((fact) => fact !== undefined)
      return [
        `  ${role ?? kind}`,
        styled('dim', ` · ${facts.map((fact) => shortened(fact, 80)).join(' · ')}${excerpt === '' ? '' : ' · '}`),
        shortened(excerpt, 100),
      ]
    }),
  ]
}
