import { expect, test } from 'vitest'
import { piReader } from '../src/index.ts'
import { all, assistant, bytesOf, compaction, header, type Line, opened, user } from './pi-sessions.ts'

const padding = 'x'.repeat(60_000)

/** Some 5 MB: a turn of 120 kB after the other, with a compaction after every 20th that keeps as many turns as `keeps` says. */
function longSession(keeps: readonly number[]): Line[] {
  const lines: Line[] = [header()]
  let parent: string | null = null
  for (let turn = 1; turn <= 40; turn += 1) {
    lines.push(user(`u${turn}`, parent, padding), assistant(`a${turn}`, `u${turn}`, padding))
    parent = `a${turn}`
    if (turn % 20 !== 0) continue
    const kept = keeps[turn / 20 - 1] ?? 0
    lines.push(compaction(`c${turn}`, parent, kept === 0 ? `c${turn}` : `u${turn - kept + 1}`))
    parent = `c${turn}`
  }
  return lines
}

for (const keeps of [
  [2, 3],
  [1, 18],
  [20, 39],
  [0, 0],
]) {
  test(`compactions that keep ${keeps.join(' and ')} turns are found alike from the last lines and from the first`, async () => {
    const bytes = bytesOf(longSession(keeps))
    const lines = (await all(piReader().structure(await opened(bytes)))).flat()
    const whole = await all(piReader().compactions(await opened(bytes)))
    expect(whole).toHaveLength(2)
    for (const from of [lines.at(-1), lines.at(-30), lines.at(20)]) {
      const found = await all(piReader().compactions(await opened(bytes), { from: { line: from?.line ?? 0, start: from?.start ?? 0 } }))
      expect(found).toEqual(whole.filter((one) => one.boundary.start >= (from?.start ?? 0)))
      expect(found.length).toBeGreaterThan(0)
    }
  })
}
