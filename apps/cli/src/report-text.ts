import type { Losses, LossReport } from '@palimpsest/core'
import { lossTable, percent } from './loss-table.ts'
import type { Block } from './output.ts'
import { shortId } from './short-id.ts'
import { counted, styled, type Text } from './text.ts'
import { tokenCount } from './token-count.ts'

/** What compactions lose, for people: over all agents, then for each. */
export function reportBlocks(report: LossReport): readonly Block[] {
  const { total, agents, skipped } = report
  const [only] = agents
  const title =
    agents.length === 1 && only !== undefined
      ? `${counted(total.compactions, 'compaction')} of ${only.agent}`
      : counted(total.compactions, 'compaction')
  return [
    ...lossBlocks(`What ${title} lost`, total),
    ...(agents.length > 1
      ? agents.flatMap((agent) => ['', ...lossBlocks(`${agent.agent}: ${counted(agent.compactions, 'compaction')}`, agent)])
      : []),
    '',
    styled(
      'dim',
      'A fact survives where its words stand verbatim in the summary or in a kept entry; said in other words it counts as gone.',
    ),
    ...(skipped === 0 ? [] : [styled('dim', `${counted(skipped, 'checkpoint')} without a completed compaction left out.`)]),
    ...problemLines(report),
  ]
}

/** What could not be read, or not all of it. */
export function problemLines({ problems, problemCount }: LossReport): readonly Text[] {
  return [
    ...problems.slice(0, 5).map(({ checkpointId, message }): Text => {
      const which = checkpointId === undefined ? '' : `${shortId(checkpointId)}: `
      return styled('yellow', `noted: ${which}${message}`)
    }),
    ...(problemCount > 5 ? [styled('yellow', `… and ${tokenCount(problemCount - 5)} more`)] : []),
  ]
}

/** The size of what compactions replaced, in a sentence. */
export function shrinkText({ dropped, summaryCharacters, kept }: Losses): string {
  const into = `${tokenCount(summaryCharacters)} of summary`
  return `${tokenCount(dropped.textCharacters)} characters in ${counted(dropped.entries, 'entry', 'entries')} became ${into} (${percent(summaryCharacters, dropped.textCharacters)}); ${counted(kept.entries, 'entry', 'entries')} kept.`
}

function lossBlocks(title: string, losses: Losses): readonly Block[] {
  return [
    styled('bold', title),
    styled('dim', shrinkText(losses)),
    ...(losses.categories.length === 0 ? [] : [lossTable(losses.categories)]),
  ]
}
