const longestLine = 400
const mostErrorsInOne = 50

// Linear patterns, on lines of at most 400 characters.
const saysError =
  /\b(?:[A-Za-z]{0,40}(?:Error|Exception)|error|ERROR|panic(?:ked)?|PANIC|fatal|FATAL|FAILED|FAIL|failed|failure|Traceback|Segmentation fault|segfault|assertion|AssertionError|unhandled|denied|refused|timed out|not found|No such file|cannot|Cannot|could not|Could not|undefined is not|E[A-Z]{4,14})\b|✗|✖|✕/
const saysNone = /\b(?:0|no|No|zero|without) (?:[a-z]{1,12} )?(?:errors?|failures?|failed)\b|\berrors?: ?0\b|\bfailed: ?0\b/
/** Source code that merely speaks of errors, as `cat` and `grep` print it. */
const looksLikeCode =
  /[;{},(]\s{0,4}$|=>|^\s{0,80}(?:\/\/|\/?\*|#|<!--|import |export |const |let |return |throw |if |if\(|case |catch|try|def |assert |end$|@|\d{1,6}[:→\t-]|[-*] [A-Za-z])/
/** The agent's own word for a command that failed; what failed stands beside it. */
const saysExit = /^(?:Error: )?(?:Process exited with|Command exited with|Exit) code:? -?\d{1,10}$/i
const decides =
  /\b(?:decided|decision|let's (?:go|use|keep|do|make)|I'll (?:use|go with|keep|avoid|switch|make)|we(?:'ll| will| should| must)|must not|should not|shouldn't|instead of|rather than|prefer|chose|choose|going with|the approach|the plan is|never |always |because)\b/i
const sentenceEnd = /(?<=[.!?])\s/

/** The lines of an output that report an error, each once, without the colours of a terminal and the white space around them. */
export function errorLinesIn(output: string): readonly string[] {
  const found = new Set<string>()
  for (const line of linesIn(output)) {
    if (found.size >= mostErrorsInOne) break
    if (line.length > 3 * longestLine) continue
    const text = withoutColours(line).trim()
    if (
      text.length >= 8 &&
      text.length <= longestLine &&
      saysError.test(text) &&
      !saysNone.test(text) &&
      !looksLikeCode.test(text) &&
      !saysExit.test(text)
    )
      found.add(text)
  }
  return [...found]
}

/** The first line of an output that says anything: what a tool says that failed without a line that is known as an error. */
export function firstLineIn(output: string): string | undefined {
  for (const line of linesIn(output)) {
    const text = withoutColours(line.slice(0, longestLine)).trim()
    if (text.length >= 4 && !saysExit.test(text)) return text
  }
  return undefined
}

/** Sentences in which the model says what it chose, and why. */
export function decisionsIn(prose: string): readonly string[] {
  const found: string[] = []
  let isInFence = false
  for (const line of linesIn(prose)) {
    if (line.trimStart().startsWith('```')) isInFence = !isInFence
    if (isInFence || line.length > 5 * longestLine) continue
    for (const sentence of line.split(sentenceEnd)) {
      const text = sentence.trim()
      if (text.length >= 20 && text.length <= longestLine && decides.test(text)) found.push(text)
    }
  }
  return found
}

/** The lines of a text, one at a time. */
export function* linesIn(text: string): Generator<string, void, undefined> {
  let start = 0
  while (start < text.length) {
    const feed = text.indexOf('\n', start)
    const end = feed === -1 ? text.length : feed
    if (end > start) yield text.slice(start, end)
    start = end + 1
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with one.
const colours = /\u001b\[[0-9;]{0,40}m/g

function withoutColours(text: string): string {
  return text.includes('\u001b') ? text.replace(colours, '') : text
}
