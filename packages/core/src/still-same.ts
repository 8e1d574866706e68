import { rangeDigests } from './part-bytes.ts'
import type { AbortOptions } from './storage.ts'
import type { MatchedPart, PartStore, StoredParts } from './stored-parts.ts'
import { RewrittenError, type TranscriptSession } from './transcript-session.ts'

/**
 * Rejects with a `RewrittenError` unless what was stored of a transcript is what it holds. One that was written meanwhile may have been rewritten and
 * have grown at once, which its end does not tell: its bytes are compared once more. What the tail check spares is spared here too.
 */
export async function assertStillSame(
  session: TranscriptSession,
  store: PartStore,
  stored: StoredParts,
  contents: readonly MatchedPart['content'][],
  options: AbortOptions & { readonly byTail: boolean },
): Promise<void> {
  const { transcript } = session
  const isSame = (await transcript.unchanged()) && ((await transcript.written?.()) !== true || (await isStored()))
  if (!isSame) throw new RewrittenError('The transcript was rewritten while it was read.')

  async function isStored(): Promise<boolean> {
    const again = contents
      .filter(({ name }) => !options.byTail || name !== 'main')
      .map((content) => ({ ...content, digestOf: rangeDigests(content.source) }))
    return (await store.match(stored.ledger, again)).every(({ match, content }) => match.kind === 'whole' || content.endBytes === 0)
  }
}
