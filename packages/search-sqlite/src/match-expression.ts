import { hasContent, type SearchTerm } from '@palimpsest/core'
import { pairsOf, pictogramWords, unspacedRuns } from './grams.ts'
import { stemOf } from './stems.ts'
import { identifierParts } from './word-forms.ts'

/** An expression of FTS5's MATCH. Made here alone, so that no text of a user is ever read as one. */
export type MatchExpression = string

/** What matches a term: itself, in the text where it is a phrase; else also its stem, and its parts where it is in camel case. */
function expressionOf(term: SearchTerm): MatchExpression | undefined {
  const runs = unspacedRuns(term.text)
  const pictograms = pictogramWords(term.text)
  const parts = [
    ...runs.map(runExpression),
    ...between(term.text, runs).map((rest) => (term.isPhrase ? `{text} : ${quoted(rest)}` : wordExpression(rest))),
    ...(pictograms.length === 0 ? [] : [`{grams} : ${quoted(pictograms.join(' '))}`]),
  ]
  return parts.length === 0 ? undefined : parts.map(parenthesised).join(' AND ')
}

/** What stands before, between and behind the runs of a text, where it has words: in the index each run is a word between them. */
function between(text: string, runs: readonly string[]): readonly string[] {
  const rests = [text]
  for (const run of runs) {
    const last = rests.pop() ?? ''
    const at = last.indexOf(run)
    rests.push(last.slice(0, at), last.slice(at + run.length))
  }
  return rests.filter((rest) => /[\p{L}\p{N}\p{Co}]/u.test(rest))
}

/** All of the terms, or any; `undefined` where there is nothing to match. */
export function joinedExpression(terms: readonly SearchTerm[], operator: 'AND' | 'OR'): MatchExpression | undefined {
  const expressions = terms.map(expressionOf).filter((expression) => expression !== undefined)
  return expressions.length < 2 ? expressions[0] : expressions.map(parenthesised).join(` ${operator} `)
}

/** The words of a text one behind the other, as they stand. */
export function verbatimExpression(text: string): MatchExpression | undefined {
  return hasContent(text) ? expressionOf({ text, isPhrase: true }) : undefined
}

/** The terms, as they stand, at most so many tokens apart, in any order; `undefined` where they are too few, or FTS5 has no such tokens. */
export function nearExpression(terms: readonly SearchTerm[], tokens: number): MatchExpression | undefined {
  const hasTokens = terms.every(({ text }) => unspacedRuns(text).length === 0 && /[\p{L}\p{N}]/u.test(text))
  return terms.length > 1 && hasTokens ? `{text} : NEAR(${terms.map(({ text }) => quoted(text)).join(' ')}, ${tokens})` : undefined
}

/** What matches the one and not the other. */
export function withoutExpression(expression: MatchExpression, without: MatchExpression | undefined): MatchExpression {
  return without === undefined ? expression : `(${expression}) NOT (${without})`
}

function wordExpression(word: string): MatchExpression {
  const forms = [quoted(word)]
  if (/^[A-Za-z]{3,80}$/.test(word)) {
    const small = word.toLowerCase()
    const stem = stemOf(small)
    if (stem !== small) forms.push(quoted(stem))
  }
  if (/^[A-Za-z0-9]{2,80}$/.test(word)) {
    const parts = identifierParts(word)
    if (parts.length > 0) forms.push(quoted(parts.join(' ')))
  }
  return forms.join(' OR ')
}

function runExpression(run: string): MatchExpression {
  const pairs = pairsOf(run)
  if (pairs.length === 1) return `{grams} : ${quoted(run)} *`
  return `{grams} : ${quoted(pairs.slice(0, -1).join(' '))}`
}

function quoted(text: string): string {
  return `"${text.replaceAll('\0', ' ').replaceAll('"', '""')}"`
}

function parenthesised(expression: MatchExpression): MatchExpression {
  return `(${expression})`
}
