import type { TaskResult } from './task-result.ts'

/** A number of ours against what it has to reach. */
export interface RecallBar {
  readonly what: string
  readonly value: number
  readonly bar: number
  /** `above`: more than the bar, not the bar itself. */
  readonly is: 'at least' | 'above'
}

/** What LoCoMo's sessions are found by: one bar for each. */
const locomo = { 'session hit@1': 0.747, 'session hit@5': 0.935, 'session MRR': 0.828 } as const

/** Whether a bar is missed; what could not be counted misses it. */
export function isMissedBar({ value, bar, is }: RecallBar): boolean {
  return is === 'above' ? !(value > bar) : !(value >= bar)
}

/** The bars of the product, each half for itself; a task that wasn't run has none. */
export function barsOf(results: readonly TaskResult[]): readonly RecallBar[] {
  return results.filter(({ engine }) => engine === 'palimpsest').flatMap((result) => barsOfResult(result, results))
}

function barsOfResult(result: TaskResult, all: readonly TaskResult[]): readonly RecallBar[] {
  const { task, kind, split } = result
  const name = (what: string) => `${task}${kind === undefined ? '' : `, ${kind}`}, ${split}: ${what}`
  const at = (rates: TaskResult['entry'], cutoff: number) => rates.find((rate) => rate.at === cutoff)?.share ?? Number.NaN
  switch (task) {
    case 'exact evidence':
      if (kind !== undefined && kind !== 'error') return []
      return [
        { what: name('hit@20'), value: at(result.entry, 20), bar: 0.98, is: 'at least' },
        { what: name('hit@1'), value: at(result.entry, 1), bar: 0.85, is: 'at least' },
      ]
    case 'purpose to command': {
      const peer = all.find((other) => other.engine === 'plain' && other.task === task && other.split === split && other.kind === kind)
      return [
        { what: name('session hit@1'), value: at(result.session, 1), bar: 0.32, is: 'above' },
        { what: name('session hit@5'), value: at(result.session, 5), bar: 0.55, is: 'at least' },
        { what: name('session hit@20'), value: at(result.session, 20), bar: 0.67, is: 'above' },
        ...(peer === undefined
          ? []
          : [
              {
                what: name('hit@5, 5 points above plain FTS5'),
                value: at(result.entry, 5),
                bar: at(peer.entry, 5) + 0.05,
                is: 'at least',
              } as const,
            ]),
      ]
    }
    case 'LoCoMo':
      if (kind !== undefined) return []
      return [
        { what: name('session hit@1'), value: at(result.session, 1), bar: locomo['session hit@1'], is: 'above' },
        { what: name('session hit@5'), value: at(result.session, 5), bar: locomo['session hit@5'], is: 'above' },
        { what: name('session MRR'), value: result.sessionMrr, bar: locomo['session MRR'], is: 'above' },
      ]
    default:
      return task satisfies never
  }
}
