import { boundedMap } from './bounded-map.ts'
import type { FoundEntries, LivingHit } from './found-entries.ts'
import type { IndexHit } from './search-index.ts'
import type { ParsedQuery } from './search-query.ts'
import { nearby, plain, snippetOf, verbatimness } from './snippet.ts'
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

/** Where what was found is looked up. */
export interface HitSources {
  readonly found: FoundEntries
  /** The entries that say the same as these hits: where the checkpoints of one are gone, another may live. */
  readonly same: (hits: readonly IndexHit[]) => Promise<readonly IndexHit[]>
}

/** A hit as it is shown. */
export interface ShownHit {
  readonly hit: SearchHit
  /** Equal for entries that say the same. */
  readonly sameAs: string
}

/** Of so many hits those that still live, in the order in which they are shown. */
export async function shownHits(
  sources: HitSources,
  ranked: readonly IndexHit[],
  query: ParsedQuery,
  characters: number,
): Promise<readonly ShownHit[]> {
  const living = await livingHits(sources, ranked)
  const texts = characters === 0 ? new Map<LivingHit, string>() : await textsOf(sources.found, living)
  const shown = living
    .filter((hit) => characters === 0 || texts.has(hit))
    .map((hit) => {
      const whole = texts.get(hit)
      const text = whole === undefined ? undefined : nearby(whole, wantedOf(query))
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

/** Each hit, or another entry that says the same, in a checkpoint that is there; those that nothing holds any more are left out. */
async function livingHits({ found, same }: HitSources, ranked: readonly IndexHit[]): Promise<readonly LivingHit[]> {
  const tried = await boundedMap(ranked, ledgersAtOnce, async (hit) => ({ hit, living: await found.living(hit) }))
  const gone = tried.filter(({ hit, living }) => living === undefined && hit.others > 0).map(({ hit }) => hit)
  const others = Map.groupBy(gone.length === 0 ? [] : await same(gone), (hit) => hit.fingerprint)
  const hits = await boundedMap(tried, ledgersAtOnce, async ({ hit, living }) => ({
    living: living ?? (await firstLiving(found, hit, others.get(hit.fingerprint) ?? [])),
  }))
  return hits.map(({ living }) => living).filter((living) => living !== undefined)
}

async function firstLiving(found: FoundEntries, hit: IndexHit, others: readonly IndexHit[]): Promise<LivingHit | undefined> {
  for (const other of others) {
    const { places, entryId, kind, role, tool, createdAt, note, session, droppedBy } = other
    const living = await found.living({ ...hit, session, places, entryId, kind, role, tool, createdAt, note, droppedBy })
    if (living !== undefined) return living
  }
  return undefined
}

/** The texts: of each stream in the order in which they are stored, so that each chunk is decompressed once. */
async function textsOf(found: FoundEntries, living: readonly LivingHit[]): Promise<ReadonlyMap<LivingHit, string>> {
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

function shownHit(living: LivingHit, text: string | undefined, query: ParsedQuery, characters: number): ShownHit {
  const { hit, ledger, row, place, dropped } = living
  const { entryId, kind, role, tool, createdAt, score, fingerprint, others } = hit
  const snippet = text === undefined ? { text: '', marks: [] } : snippetOf(text, wantedOf(query), characters)
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

function wantedOf({ verbatim, terms }: ParsedQuery): { readonly verbatim: string; readonly terms: readonly string[] } {
  return { verbatim, terms: terms.map((term) => term.text) }
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
