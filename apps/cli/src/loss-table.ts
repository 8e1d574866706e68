import type { CategoryCount } from '@palimpsest/core'
import { factWords } from './fact-words.ts'
import type { Table } from './table.ts'
import { styled, type Text } from './text.ts'
import { tokenCount } from './token-count.ts'

const barWidth = 24

/** How the facts of each category fared: numbers, and a bar of what stands whole (█), what stands in part (▒), and what is gone (·). */
export function lossTable(categories: readonly CategoryCount[]): Table {
  return {
    columns: [
      { title: '' },
      { title: 'facts', align: 'right' },
      { title: 'whole', align: 'right' },
      { title: 'in part', align: 'right' },
      { title: 'gone', align: 'right' },
      { title: '█ whole ▒ in part · gone' },
      { title: 'gone', align: 'right' },
    ],
    rows: categories.map((count) => [
      factWords[count.category],
      ...[count.facts, count.whole, count.part, count.none].map(tokenCount),
      lossBar(count),
      percent(count.none, count.facts),
    ]),
  }
}

/** A share for people: whole percent, but never 0 % of something nor 100 % of less than all. */
export function percent(some: number, all: number): string {
  if (all === 0) return ''
  const rounded = Math.round((100 * some) / all)
  if (rounded === 0 && some > 0) return '<1 %'
  if (rounded === 100 && some < all) return '>99 %'
  return `${rounded} %`
}

function lossBar({ facts, whole, part }: CategoryCount): Text {
  const wholeWidth = Math.round((barWidth * whole) / facts)
  const partWidth = Math.round((barWidth * (whole + part)) / facts) - wholeWidth
  return [
    styled('green', '█'.repeat(wholeWidth)),
    styled('yellow', '▒'.repeat(partWidth)),
    styled('dim', '·'.repeat(barWidth - wholeWidth - partWidth)),
  ]
}
