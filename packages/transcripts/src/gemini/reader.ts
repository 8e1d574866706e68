import type { TranscriptReader } from '@palimpsest/core'
import { geminiCompactions } from './compactions.ts'
import { geminiContext, geminiKept } from './context.ts'
import { isGeminiSession } from './detect.ts'
import { geminiEntries, geminiEntry, geminiStructure } from './entries.ts'
import { identifyGemini } from './identify.ts'
import { type GeminiHome, placeGemini } from './place.ts'
import { inPlaceGemini, rewriteGemini } from './rewrite.ts'
import { geminiSidecars } from './sidecars.ts'

/** The reader of Gemini CLI's session logs (`session-….jsonl`), known from client 0.61.0. New sessions are placed below its `folder`. */
export function geminiReader(home: GeminiHome): TranscriptReader {
  return {
    agent: 'gemini',
    sidecars: geminiSidecars,
    detect: isGeminiSession,
    identify: identifyGemini,
    entries: (transcript, options) => geminiEntries(transcript, options ?? {}),
    structure: (transcript, options) => geminiStructure(transcript, options ?? {}),
    entry: geminiEntry,
    textNeedsNote: true,
    compactions: (transcript, options) => geminiCompactions(transcript, options ?? {}),
    context: geminiContext,
    kept: geminiKept,
    rewrite: rewriteGemini,
    place: (place) => placeGemini(home, place),
    inPlace: inPlaceGemini,
  }
}
