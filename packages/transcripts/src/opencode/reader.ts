import type { TranscriptReader } from '@palimpsest/core'
import { readCompactions } from './compactions.ts'
import { contextAt, keptAt, turnStartAt } from './context.ts'
import { entryOfLine, readEntries, readStructure } from './entries.ts'
import { identifySession, isOpenCodeSession } from './identify.ts'
import { placeSession } from './place.ts'
import { refuseInPlace, rewriteSession } from './rewrite.ts'
import { stepsOfLine } from './steps.ts'

/**
 * The reader of OpenCode's sessions, as `openCodeTranscript` exports them from the database of 1.2 to 1.18 and from the JSON store of 1.1, and of
 * the documents into which they are branched, by default below `dataFolder`.
 */
export function openCodeReader(options: { readonly dataFolder?: string | undefined } = {}): TranscriptReader {
  return {
    agent: 'opencode',
    sidecars: () => [],
    detect: isOpenCodeSession,
    identify: identifySession,
    entries: readEntries,
    structure: readStructure,
    entry: entryOfLine,
    steps: stepsOfLine,
    compactions: readCompactions,
    context: contextAt,
    kept: keptAt,
    turnStart: turnStartAt,
    rewrite: rewriteSession,
    place: (place) => placeSession(place, options.dataFolder),
    inPlace: async () => refuseInPlace(),
  }
}
