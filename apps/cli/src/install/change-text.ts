import { styled, type Text } from '../text.ts'

const maxLineCharacters = 400

/** The lines that a change takes away and adds, without those around them, whose content is nobody's business; a comma alone is not shown. */
export function changeLines(before: string | undefined, after: string | undefined): readonly Text[] {
  const old = linesOf(before)
  const now = linesOf(after)
  let start = 0
  while (start < old.length && start < now.length && old[start] === now[start]) start += 1
  let end = 0
  while (end < old.length - start && end < now.length - start && old.at(-1 - end) === now.at(-1 - end)) end += 1
  const oldMiddle = old.slice(start, old.length - end)
  const newMiddle = now.slice(start, now.length - end)
  const [only, ...more] = oldMiddle
  const [onlyNew, ...moreNew] = newMiddle
  if (only !== undefined && onlyNew !== undefined && more.length === 0 && moreNew.length === 0) return withinLine(only, onlyNew)
  return [...without(oldMiddle, newMiddle).map(removedLine), ...without(newMiddle, oldMiddle).map(addedLine)]
}

function linesOf(text: string | undefined): readonly string[] {
  if (text === undefined || text === '') return []
  return text.replace(/\r?\n$/, '').split(/\r?\n/)
}

/** The lines of `lines` that `others` has not, as often as it has not, where commas count for nothing. */
function without(lines: readonly string[], others: readonly string[]): readonly string[] {
  const counts = new Map<string, number>()
  const bare = (line: string): string => line.replaceAll(',', '')
  for (const line of others) counts.set(bare(line), (counts.get(bare(line)) ?? 0) + 1)
  return lines.filter((line) => {
    const left = counts.get(bare(line)) ?? 0
    counts.set(bare(line), left - 1)
    return left <= 0
  })
}

/** Of one line that changes, what changes in it: all of a file may be one line. */
function withinLine(before: string, after: string): readonly Text[] {
  let start = 0
  while (start < before.length && before[start] === after[start]) start += 1
  let end = 0
  while (end < before.length - start && end < after.length - start && before.at(-1 - end) === after.at(-1 - end)) end += 1
  const part = (line: string): string => `${start > 0 ? '…' : ''}${line.slice(start, line.length - end)}${end > 0 ? '…' : ''}`
  const isRemoved = before.length > start + end
  return [...(isRemoved ? [removedLine(part(before))] : []), ...(after.length > start + end ? [addedLine(part(after))] : [])]
}

function removedLine(line: string): Text {
  return styled('red', `  - ${line.slice(0, maxLineCharacters)}`)
}

function addedLine(line: string): Text {
  return styled('green', `  + ${line.slice(0, maxLineCharacters)}`)
}
