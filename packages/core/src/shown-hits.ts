import { boundedMap } from './bounded-map.ts'
import type { FoundEntries, LivingHit } from './found-entries.ts'
import type { IndexHit } from './search-index.ts'
import type { ParsedQuery } from './search-query.ts'
import { plain, snippetOf, verbatimness } from './snippet.ts'
import type { EntryKind, EntryRole, PartName } from './transcript.ts'

const readsAtOnce = 4
const ledgersAtOnce = 8
const longestCompared = 2_000
const shortestCompared = 120

/** An entry that was found. */
export interface SearchHit {
  /** The checkpoint whose compaction dropped it, else the newest that holds it. */
  readonly checkpointId: string
  readonly agent: string
  readonly sessionKey: string
  readonly sessionId: string
  readonly entryId: string
  readonly part: PartName
  /** Line of the part from 0, and the bytes of it that hold the entry. */
  readonly line: number
  readonly start: number
  readonly end: number
  readonly kind: EntryKind
  readonly role?: EntryRole | undefined
  readonly tool?: string | undefined
  readonly createdAt?: number | undefined
  /** Whether the checkpoint's compaction took it out of the context. */
  readonly dropped: boolean
  readonly snippet: string
  /** Where in the snippet the matches are: first character and the one after the last. */
  readonly marks: readonly (readonly [number, number])[]
  /** Comparable within one answer. */
  readonly score: number
  /** How many more entries say the same; they are left out. */
  readonly duplicates?: number | undefined
}

/** Entries that say exactly the same, best ranked first. */
export interface RankedHit {
  readonly hits: readonly IndexHit[]
}

/** A hit as it is shown. */
export interface ShownHit {
  readonly hit: SearchHit
  /** Equal for entries that say the same. */
  readonly sameAs: string
}

/** Of so many hits those that still live, in the order in which they are shown. */
export async function shownHits(
  found: FoundEntries,
  ranked: readonly RankedHit[],
  query: ParsedQuery,
  characters: number,
): Promise<readonly ShownHit[]> {
  const living = (await boundedMap(ranked, ledgersAtOnce, ({ hits }) => firstLiving(found, hits))).filter((hit) => hit !== undefined)
  const texts = characters === 0 ? new Map<LivingHit, string>() : await textsOf(found, living)
  const shown = living
    .filter((hit) => characters === 0 || texts.has(hit))
    .map((hit) => {
      const text = texts.get(hit)
      // Plain words are meant in any case.
      const verbatim = text === undefined ? 0 : Math.min(verbatimness(text, query.verbatim), hasSigns(query.verbatim) ? 2 : 1)
      return { hit, text, verbatim }
    })
    .filter(({ hit, verbatim }) => hit.hit.isExcluded !== true || verbatim > 0)
    .sort((left, right) => right.verbatim - left.verbatim)
  return shown.map(({ hit, text }) => shownHit(hit, text, query, characters))
}

/** Whether signs or capitals tell what is meant from what only has the same words. */
export function hasSigns(verbatim: string): boolean {
  return /[^\p{L}\p{N}\s]|\p{Lu}/u.test(verbatim)
}

async function firstLiving(found: FoundEntries, hits: readonly IndexHit[]): Promise<(LivingHit & { readonly others: number }) | undefined> {
  for (const hit of hits) {
    const living = await found.living(hit)
    if (living !== undefined) return { ...living, others: hits.length - 1 }
  }
  return undefined
}

/** The texts: of each stream in the order in which they are stored, so that each chunk is decompressed once. */
async function textsOf<Hit extends LivingHit>(found: FoundEntries, living: readonly Hit[]): Promise<ReadonlyMap<LivingHit, string>> {
  const texts = new Map<LivingHit, string>()
  const streams = Map.groupBy(living, ({ name, place }) => `${name} ${place.part} ${place.stream}`)
  await boundedMap([...streams.values()], readsAtOnce, async (hits) => {
    for (const hit of hits.sort((left, right) => left.place.start - right.place.start)) {
      const text = await found.text(hit)
      if (text !== undefined) texts.set(hit, text)
    }
  })
  return texts
}

function shownHit(
  living: LivingHit & { readonly others: number },
  text: string | undefined,
  query: ParsedQuery,
  characters: number,
): ShownHit {
  const { hit, ledger, row, place, dropped, others } = living
  const { entryId, kind, role, tool, createdAt, score, fingerprint } = hit
  const wanted = { verbatim: query.verbatim, terms: query.terms.map((term) => term.text) }
  const snippet = text === undefined ? { text: '', marks: [] } : snippetOf(text, wanted, characters)
  return {
    sameAs: text === undefined ? fingerprint : sameness(text, snippet.text, fingerprint),
    hit: {
      checkpointId: row.id,
      agent: ledger.agent,
      sessionKey: ledger.sessionKey,
      sessionId: ledger.sessionId,
      entryId,
      part: place.part,
      line: place.line,
      start: place.start,
      end: place.end,
      kind,
      ...(role === undefined ? {} : { role }),
      ...(tool === undefined ? {} : { tool }),
      ...(createdAt === undefined ? {} : { createdAt }),
      dropped,
      snippet: snippet.text,
      marks: snippet.marks,
      score,
      ...(others === 0 ? {} : { duplicates: others }),
    },
  }
}

/** Short texts are the same where they say the same; long ones where what is shown of them does, and that is more than a few words. */
function sameness(text: string, snippet: string, fingerprint: string): string {
  if (text.length <= longestCompared) return comparable(text)
  return snippet.length >= shortestCompared ? comparable(snippet) : fingerprint
}

/** A text without what differs between two that say the same: white space, case, long numbers and ids. */
function comparable(text: string): string {
  return plain(text).replace(/[0-9a-f]{8}-[0-9a-f-]{27}|\d{6,}|\d{4}-\d\d-\d\d[t ][\d:.]+z?/g, '#')
}
