import { CheckpointError } from './errors.ts'
import type { EntryRole } from './transcript.ts'

/** A word, or words that stand one behind the other: what the user wrote, without quotes. */
export interface SearchTerm {
  readonly text: string
  /** Found as it stands: in quotes, no other form of a word is. */
  readonly isPhrase: boolean
}

/** What hits are narrowed to. */
export interface SearchFilters {
  readonly roles: readonly EntryRole[]
  /** Names of tools, in any case. */
  readonly tools: readonly string[]
  readonly agents: readonly string[]
  /** Paths, or ends and parts of them, that stand in the entry. */
  readonly paths: readonly string[]
  /** Milliseconds since the epoch, exclusive. */
  readonly before?: number | undefined
  readonly after?: number | undefined
  /** Only what a compaction dropped, or only what none did. */
  readonly dropped?: boolean | undefined
}

/** A query as it was understood. */
export interface ParsedQuery {
  readonly terms: readonly SearchTerm[]
  readonly without: readonly SearchTerm[]
  readonly filters: SearchFilters
  /**
   * The words and phrases as they were written, one behind the other, those that are to be left out too: a command may be all that was meant, and what
   * holds it as it stands is never left out.
   */
  readonly verbatim: string
}

const mostTerms = 64
const mostCharacters = 8_000
const roles: readonly EntryRole[] = ['user', 'assistant', 'tool', 'system']
const operatorPattern = /^(role|tool|agent|path|before|after|dropped):/i
/** A minus before a word of three characters or more, or before a quote: `-la`, `-5` and `--force` belong to a command. */
const exclusion = /^-(?:"|[\p{L}\p{N}_]{3,}(?!\S))/u
const agePattern = /^(\d{1,6})([smhdw])$/
const msByUnit: Readonly<Record<string, number>> = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/**
 * Understands what a person or a model wrote: words, "phrases", `-word`, `-"phrase"`, `role:`, `tool:`, `agent:`, `path:` (each may repeat; any of the
 * values), `before:`, `after:` (a date, a time, or an age such as `3d`), `dropped:true`. Whatever else is there is text, an operator of another
 * language or an unknown `word:` too; a quote that isn't closed goes to the end. Of a long text the first 8,000 characters and 64 words count. A query of signs alone has
 * no terms, and finds nothing. Pure. Throws `ARGUMENT_INVALID` for an empty one.
 */
export function parseSearchQuery(text: string, now: number): ParsedQuery {
  const terms: SearchTerm[] = []
  const without: SearchTerm[] = []
  const written: string[] = []
  let filters: SearchFilters = { roles: [], tools: [], agents: [], paths: [] }
  const cut = text.slice(0, mostCharacters)
  let end = 0
  for (const token of tokensOf(cut)) {
    const narrowed = token.operator === undefined ? undefined : withFilter(filters, token.operator, token.text, now)
    if (narrowed !== undefined) {
      filters = narrowed
      continue
    }
    const term = { text: token.operator === undefined ? token.text : token.raw, isPhrase: token.isQuoted && token.operator === undefined }
    if (!hasContent(term.text)) {
      // Punctuation can't be looked up, but it belongs to what was written.
      written.push(cut.slice(Math.max(end, token.start), token.end))
      continue
    }
    if (token.isNegated) without.push(term)
    else terms.push(term)
    written.push(token.isNegated ? `-${token.raw}` : token.isQuoted ? token.text : token.raw)
    end = token.end
  }
  // A word alone with a minus before it is no narrowing of anything.
  if (terms.length === 0 && !hasFilter(filters)) terms.push(...without.splice(0))
  const query = { terms: terms.slice(0, mostTerms), without: without.slice(0, mostTerms), filters, verbatim: written.join(' ').trim() }
  if (/^[\s"-]*$/.test(text)) throw nothingToFind()
  return query
}

/** Whether a query has neither words nor filters, but signs alone: nothing can be looked up for it. Pure. */
export function isOfSignsAlone({ terms, without, filters }: ParsedQuery): boolean {
  return terms.length + without.length === 0 && !hasFilter(filters)
}

/** Whether a text has a letter, a digit or a pictogram, without which nothing can be looked up. */
export function hasContent(text: string): boolean {
  return /[\p{L}\p{N}\p{Co}\p{Extended_Pictographic}]/u.test(text)
}

interface QueryToken {
  readonly text: string
  /** As it was written, without a minus. */
  readonly raw: string
  readonly operator: string | undefined
  readonly isNegated: boolean
  readonly isQuoted: boolean
  readonly start: number
  readonly end: number
}

/** Words between white space; a quote at the beginning of one, or of an operator's value, goes on to the next quote. */
function* tokensOf(text: string): Generator<QueryToken, void, undefined> {
  const space = /\s*/y
  const word = /\S+/y
  for (let at = 0; ; ) {
    space.lastIndex = at
    space.exec(text)
    const start = space.lastIndex
    if (start >= text.length) return
    const isNegated = exclusion.test(text.slice(start, start + 200))
    const from = isNegated ? start + 1 : start
    word.lastIndex = from
    const whole = word.exec(text)?.[0] ?? ''
    const operator = isNegated ? undefined : operatorPattern.exec(whole)?.[1]?.toLowerCase()
    const valueFrom = operator === undefined ? from : from + operator.length + 1
    const isQuoted = text[valueFrom] === '"'
    const closing = isQuoted ? text.indexOf('"', valueFrom + 1) : -1
    const valueEnd = isQuoted ? (closing === -1 ? text.length : closing) : from + whole.length
    const end = isQuoted ? Math.min(valueEnd + 1, text.length) : valueEnd
    yield {
      text: text.slice(isQuoted ? valueFrom + 1 : valueFrom, valueEnd),
      raw: text.slice(from, end),
      operator,
      isNegated,
      isQuoted,
      start,
      end,
    }
    at = end
  }
}

/** `undefined` where the value can't be one of the operator: then it is text like any other. */
function withFilter(filters: SearchFilters, operator: string, value: string, now: number): SearchFilters | undefined {
  const wanted = value.trim()
  if (wanted === '') return undefined
  switch (operator) {
    case 'role': {
      const role = roles.find((candidate) => candidate === wanted.toLowerCase())
      return role === undefined ? undefined : { ...filters, roles: [...filters.roles, role] }
    }
    case 'tool':
      return { ...filters, tools: [...filters.tools, wanted] }
    case 'agent':
      return { ...filters, agents: [...filters.agents, wanted.toLowerCase()] }
    case 'path':
      return hasContent(wanted) ? { ...filters, paths: [...filters.paths, wanted] } : undefined
    case 'before':
    case 'after': {
      const time = timeOf(wanted, now)
      if (time === undefined) return undefined
      return operator === 'before' ? { ...filters, before: time } : { ...filters, after: time }
    }
    case 'dropped':
      return /^(true|yes|false|no)$/i.test(wanted) ? { ...filters, dropped: /^(true|yes)$/i.test(wanted) } : undefined
    default:
      return undefined
  }
}

function timeOf(text: string, now: number): number | undefined {
  const age = agePattern.exec(text)
  if (age !== null) return now - Number(age[1]) * (msByUnit[age[2] ?? ''] ?? 0)
  const time = /^\d{4}-\d{2}/.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

function hasFilter({ roles: wanted, tools, agents, paths, before, after, dropped }: SearchFilters): boolean {
  const count = wanted.length + tools.length + agents.length + paths.length
  return count > 0 || before !== undefined || after !== undefined || dropped !== undefined
}

function nothingToFind(): CheckpointError<'ARGUMENT_INVALID'> {
  return new CheckpointError(
    'ARGUMENT_INVALID',
    'The query is empty. Give words, a "phrase", or a filter such as tool:bash or dropped:true.',
    { argument: 'query', expected: 'at least one word' },
  )
}
