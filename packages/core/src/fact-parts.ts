import type { DroppedFact } from './fact.ts'
import { linesIn } from './fact-lines.ts'

const mostParts = 12
const shortestPart = 8
const shortestLine = 20
/** Commands that say nothing about what was done with the others. */
const movesOrPrints = /^(?:cd|echo|set|export|source|sleep|head|tail|true)\b/

/**
 * The parts of a fact that are worth something by themselves, the best first: the end of a path, one of the commands that were run together, a line of code, a
 * URL without its query, the beginning of a commit id. None is the whole, and none is so short that it stands in many texts by chance.
 */
export function partsOf({ category, text }: DroppedFact, cwd: string | undefined): readonly string[] {
  return [...new Set(candidates(category, text, cwd))].filter((part) => part !== text && part !== '').slice(0, mostParts)
}

function candidates(category: DroppedFact['category'], text: string, cwd: string | undefined): readonly string[] {
  switch (category) {
    case 'file-read':
    case 'file-written':
      return pathEnds(text, cwd)
    case 'command':
      return pieces(text, /&&|\|\||[;\n|]/, shortestPart).filter((piece) => !movesOrPrints.test(piece))
    case 'error':
      return errorParts(text)
    case 'request':
    case 'decision':
      return pieces(text, /\n|(?<=[.!?])\s/, shortestLine)
    case 'replaced-code':
      return [...linesIn(text)].map((line) => line.trim()).filter((line) => line.length >= shortestLine)
    case 'url':
      return urlParts(text)
    case 'commit':
      return text.length > 7 ? [text.slice(0, 12), text.slice(0, 10), text.slice(0, 8), text.slice(0, 7)] : []
    case 'number':
    case 'symbol':
      return []
    default:
      return category satisfies never
  }
}

function pathEnds(path: string, cwd: string | undefined): readonly string[] {
  const relative = cwd !== undefined && path.startsWith(`${cwd}/`) ? path.slice(cwd.length + 1) : undefined
  const segments = path.split(/[/\\]/).filter((segment) => segment !== '')
  const ends = [4, 3, 2].filter((count) => segments.length >= count).map((count) => segments.slice(-count).join('/'))
  const [base = ''] = segments.slice(-1)
  return [...(relative === undefined ? [] : [relative]), ...ends, ...(base.length >= 4 ? [base] : [])]
}

function errorParts(error: string): readonly string[] {
  const colon = error.indexOf(': ')
  const message = colon === -1 ? '' : error.slice(colon + 2)
  return message.length >= shortestPart ? [message] : []
}

function urlParts(url: string): readonly string[] {
  const bare = url.slice(url.indexOf('://') + 3)
  const withoutQuery = bare.replace(/[?#].*$/s, '')
  return [bare, withoutQuery].filter((part) => part.includes('/') && part.length >= shortestPart)
}

/** The pieces between separators, the longest first. */
function pieces(text: string, separator: RegExp, shortest: number): readonly string[] {
  return text
    .split(separator)
    .map((piece) => piece.trim())
    .filter((piece) => piece.length >= shortest)
    .sort((one, other) => other.length - one.length)
}
