/** What a person would paste to find it again. */
type EvidenceKind = 'error' | 'command' | 'path'

/** A text that was seen, as it stood. */
export interface Evidence {
  readonly kind: EvidenceKind
  readonly text: string
}

const shortest = { error: 20, command: 12, path: 8 } as const
const longest = 400

/** A word for failure, followed by what failed: `error: …`, `TypeError: …`, `FAILED (…`, `panic: …`; or what the system says. */
const errorWord =
  /(?:^|[\s[(:*])(?:[A-Za-z_.]*(?:Error|Exception)|error|ERROR|fatal|FATAL|panic|FAIL|FAILED|failed|failure|E[A-Z]{4,})(?:\[\w+\])?[:(\s]/
const systemError =
  /no such file or directory|command not found|permission denied|cannot find|could not|does not exist|undefined (?:method|variable|function)/i
/** Numbered lines of files that were read, and lines of diffs, are code, not what a program said. */
const numberedLine = /^\s*[+-]?\s*\d+(?:\s|→|\||:\s)|^[+-]\s/
/** Segments of which at least one stands behind a slash; what follows `://` is no path. */
const pathLike = /(?<![\w:/.~@+-])(?:~\/|\.{1,2}\/|\/)?(?:[\w.@+-]+\/)+[\w.@+-]*[\w]/g

/** The error lines of what a tool gave back, trimmed, each once, in their order. */
export function errorLines(text: string): readonly string[] {
  const lines = new Set<string>()
  for (const raw of text.split(/[\r\n]+/)) {
    const line = raw.trim()
    if (line.length < shortest.error || line.length > longest || numberedLine.test(line) || hasControl(line)) continue
    if (errorWord.test(`${line} `) || systemError.test(line)) lines.add(line)
  }
  return [...lines]
}

/** What of a command line would be pasted: the command, or of several lines the first that says something. */
export function commandLine(command: string): string | undefined {
  const lines = command.split(/[\r\n]+/).map((line) => line.trim())
  return lines.find((line) => line.length >= shortest.command && line.length <= longest && /\w\s+\S/.test(line) && !hasControl(line))
}

/** The paths in a text, each once, in their order: with a folder in it, and absolute or with an extension. */
export function pathsIn(text: string): readonly string[] {
  const paths = new Set<string>()
  for (const [path] of text.matchAll(pathLike)) {
    if (path.length < shortest.path || path.length > longest || path.startsWith('//')) continue
    if (/[A-Za-z]/.test(path) && (/^[/~]/.test(path) || /\.[A-Za-z]\w{0,7}$/.test(path))) paths.add(path)
  }
  return [...paths]
}

function hasControl(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours of terminals are not pasted.
  return /[\u0000-\u0008\u000b-\u001f\u007f]/.test(text)
}
