import { createHash } from 'node:crypto'
import { mkdir, open, readFile, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { claudeCodeSessionId } from './claude-code-lines.ts'
import { fixturesFolder, workFolder } from './places.ts'

/** To be raised when the lines change, so that old files are not used. */
const generation = 1
const roundsOfSession = 4
/** A word that stands in no more lines than this is one that names something. */
const mostLinesOfRareWord = 3

/** What a search is measured over. */
export interface VariedSessions {
  /** With a `.jsonl` file for each session. Not to be written to. */
  readonly folder: string
  /** Stands in one entry alone: rare words of one round are part of it. */
  readonly rarePhrase: string
  /** Stands in entries of every round: all its words are common. */
  readonly commonPhrase: string
}

/**
 * Claude Code sessions of so many MiB in all; made once, the same every time. The lines of a real one over and over under new ids, four rounds a session; in each
 * round the words that are rare in the real one end differently, so that common words stay common, rare ones rare, and the vocabulary grows as it does in life.
 */
export async function variedSessions(mebibytes: number): Promise<VariedSessions> {
  const folder = join(workFolder, `varied-${generation}`, String(mebibytes))
  const lines = (await readFile(join(fixturesFolder, 'claude-code/real', `${claudeCodeSessionId}.jsonl`), 'utf8')).trimEnd().split('\n')
  const vocabulary = vocabularyOf(lines)
  const phrases = phrasesOf(lines, vocabulary, 1)
  const isThere = await stat(folder).catch(() => undefined)
  if (isThere !== undefined) return { folder, ...phrases }
  const partial = `${folder}.partial-${process.pid}`
  await mkdir(partial, { recursive: true })
  try {
    let left = mebibytes * 1024 ** 2
    for (let session = 0; left > 0; session += 1) {
      const id = renewed(claudeCodeSessionId, `session ${session}`)
      const file = await open(join(partial, `${id}.jsonl`), 'wx')
      for (let round = session * roundsOfSession; round < (session + 1) * roundsOfSession && left > 0; round += 1) {
        const bytes = Buffer.from(roundOf(lines, vocabulary, { round, id, follows: round > session * roundsOfSession }))
        await file.write(bytes)
        left -= bytes.length
      }
      await file.close()
    }
    await rename(partial, folder)
  } finally {
    await rm(partial, { recursive: true, force: true })
  }
  return { folder, ...phrases }
}

interface Vocabulary {
  readonly rareWords: ReadonlySet<string>
  readonly entryIds: ReadonlySet<string>
}

const wordPattern = /[A-Za-z_]{5,}/g
const idPattern = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g

function vocabularyOf(lines: readonly string[]): Vocabulary {
  const linesOfWord = new Map<string, number>()
  const formatWords = new Set<string>()
  const entryIds = new Set<string>()
  for (const line of lines) {
    for (const word of new Set(line.match(wordPattern))) linesOfWord.set(word, (linesOfWord.get(word) ?? 0) + 1)
    // Keys, ids and the names of kinds are the format, not the vocabulary.
    JSON.parse(line, (key: string, value: unknown) => {
      for (const word of key.match(wordPattern) ?? []) formatWords.add(word)
      if (typeof value !== 'string' || !/id$|type|role|version|timestamp|model/i.test(key)) return value
      for (const word of value.match(wordPattern) ?? []) formatWords.add(word)
      if (key === 'uuid') entryIds.add(value)
      return value
    })
  }
  const rare = [...linesOfWord].filter(([word, count]) => count <= mostLinesOfRareWord && !formatWords.has(word))
  return { rareWords: new Set(rare.map(([word]) => word)), entryIds }
}

function roundOf(
  lines: readonly string[],
  { rareWords, entryIds }: Vocabulary,
  { round, id, follows }: { readonly round: number; readonly id: string; readonly follows: boolean },
): string {
  const lastId = [...entryIds].at(-1) ?? ''
  let isFirst = follows
  return lines
    .map((line) => {
      const fresh = line
        .replaceAll(claudeCodeSessionId, id)
        .replace(idPattern, (entryId) => (entryIds.has(entryId) ? renewed(entryId, `round ${round}`) : entryId))
        .replace(wordPattern, (word) => (rareWords.has(word) ? `${word}${ending(round)}` : word))
      if (!isFirst || !fresh.includes('"parentUuid":null')) return `${fresh}\n`
      isFirst = false
      return `${fresh.replace('"parentUuid":null', `"parentUuid":"${renewed(lastId, `round ${round - 1}`)}"`)}\n`
    })
    .join('')
}

/** Four words that the real session has once, one behind the other: two of them rare, as they stand in a round, and all of them common. */
function phrasesOf(
  lines: readonly string[],
  { rareWords }: Vocabulary,
  round: number,
): Pick<VariedSessions, 'rarePhrase' | 'commonPhrase'> {
  const all = lines.join('\n')
  let rarePhrase: string | undefined
  let commonPhrase: string | undefined
  for (const [phrase = '', first = '', second = ''] of all.matchAll(/\b([a-z]{5,}) [a-z]{2,} [a-z]{3,} ([a-z]{5,})\b/g)) {
    if (all.indexOf(phrase) !== all.lastIndexOf(phrase)) continue
    const rare = [first, second].filter((word) => rareWords.has(word)).length
    if (rare === 2) rarePhrase ??= phrase.replace(wordPattern, (word) => (rareWords.has(word) ? `${word}${ending(round)}` : word))
    if (rare === 0 && !(phrase.match(wordPattern) ?? []).some((word) => rareWords.has(word))) commonPhrase ??= phrase
    if (rarePhrase !== undefined && commonPhrase !== undefined) return { rarePhrase, commonPhrase }
  }
  throw new Error('the real session has no such phrases')
}

/** A round as letters. */
function ending(round: number): string {
  const letters = [Math.floor(round / 26 / 26) % 26, Math.floor(round / 26) % 26, round % 26]
  return letters.map((letter) => String.fromCharCode(97 + letter)).join('')
}

function renewed(id: string, how: string): string {
  const digest = createHash('sha256').update(`${how} ${id}`).digest('hex')
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
