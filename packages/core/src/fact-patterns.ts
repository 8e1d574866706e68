// Every pattern here is linear in its text: no repetition within a repetition, each bounded or of one class of characters, and none that can begin again
// in the middle of what it has just passed over.

const urls = /\bhttps?:\/\/[^\s"'`<>()[\]{}|\\^]+/g
const hexWords = /(?<![\w#-]|(?<!\.)\.)[0-9a-f]{7,40}(?![\w-])/g
const units = [
  '%|‰|°C|×',
  '(?:[kKMGT]i?B|B)(?:/s)?|bytes?',
  '[nµμum]s|s|secs?|seconds?|min|mins|minutes?|h|hrs?|hours?|days?|weeks?',
  'px|rem|em|pt|fps|rps|qps|[kMG]?Hz|dB|kW|W|mA|mV|V|x|USD|EUR',
  'tokens?|lines?|tests?|rows?|req/s|ops/s',
].join('|')
const numbers = new RegExp(`(?<![\\w.,-])(?:\\d{1,3}(?:,\\d{3}){1,5}|\\d{1,12})(?:\\.\\d{1,9})? ?(?:${units})(?![\\w/])`, 'g')
const codeSpans = /`([^`\n]{3,80})`/g
const words = /(?<![\w$])[A-Za-z_$][\w$]{3,79}(?![\w$])/g
const definitions =
  /\b(?:function|class|interface|type|enum|def|defp|defmodule|fn|struct|trait|func|const|let|var) {1,4}[A-Za-z_$][\w$.]{3,79}(?![\w$])/g

const identifier = /^[A-Za-z_$][\w$]*(?:(?:\.|::|#)[A-Za-z_$][\w$]*){0,8}(?:\(\))?$/
const fileName = /\.(?:[cm]?[jt]sx?|json|jsonl|md|py|exs?|rs|go|java|kt|rb|php|c|h|cpp|cs|swift|ya?ml|toml|html?|css|sh|sql|txt|lock)$/i
const humpInside = /[a-z0-9][A-Z]/
const barInside = /[A-Za-z0-9]_[A-Za-z0-9]/

/** The URLs of a text, without the punctuation behind them. */
export function urlsIn(text: string): readonly string[] {
  return matches(text, urls).map((url) => url.replace(/[.,;:!?*_]{1,20}$/, '').slice(0, 500))
}

/** A line that speaks of commits, or begins as a line of `git log --oneline` does. */
const aboutCommits =
  /\b(?:commit(?:s|ted)?|HEAD|merged?|revert(?:ed|s)?|rebased?|cherry|checkout|reset|branch|fixup|git|push(?:ed)?|sha|revision|index)\b|^[*|\\/ ]{0,12}[0-9a-f]{7,40} \S|\.\.[0-9a-f]{7}|\[[\w./-]{1,80} [0-9a-f]{7,40}\]/

/** Ids of commits: 7 to 40 hex digits, of them letters and decimals, in a line that is about commits. */
export function commitsIn(text: string): readonly string[] {
  return matches(text, hexWords, (word, at) => {
    if (!/[a-f]/.test(word) || !/[0-9]/.test(word) || (word.length > 12 && word.length < 40)) return false
    const before = text.slice(Math.max(0, at - 200), at)
    const [behind = ''] = text.slice(at, at + 200).split('\n', 1)
    return aboutCommits.test(`${before.slice(before.lastIndexOf('\n') + 1)}${behind}`)
  })
}

/** Numbers with their units, such as `12.5 ms`, `40%`, `175,004 tokens`. */
export function numbersIn(text: string): readonly string[] {
  return matches(text, numbers)
}

/** Names from code in prose: what stands in backticks, and words that only code has (`camelCase`, `snake_case`). */
export function symbolsIn(text: string): readonly string[] {
  const quoted = matches(text, codeSpans)
    .map((span) => span.slice(1, -1))
    .filter((span) => identifier.test(span) && !fileName.test(span))
    .filter((span) => humpInside.test(span) || barInside.test(span) || span.includes('::') || span.endsWith('()'))
  const plain = matches(text, words).filter((word) => barInside.test(word) || (humpInside.test(word) && /^[a-z_$]/.test(word)))
  return [...quoted.map((span) => span.replace(/\(\)$/, '')), ...plain]
}

/** Names that code defines; of variables only those that look like a name of their own. */
export function definitionsIn(code: string): readonly string[] {
  return matches(code, definitions).flatMap((found) => {
    const [word = '', name = ''] = found.split(/ +/)
    return /^(?:const|let|var|type)$/.test(word) && !humpInside.test(name) && !barInside.test(name) ? [] : [name]
  })
}

function matches(text: string, pattern: RegExp, isWanted: (match: string, at: number) => boolean = () => true): string[] {
  const found: string[] = []
  pattern.lastIndex = 0
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) if (isWanted(match[0], match.index)) found.push(match[0])
  return found
}
