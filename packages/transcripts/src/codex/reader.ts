import type { TranscriptReader } from '@palimpsest/core'
import { codexCompactions } from './compactions.ts'
import { codexContext, codexKept, codexTurnStart } from './context.ts'
import { isRollout } from './detect.ts'
import { codexEntries, codexEntry, codexStructure } from './entries.ts'
import { identifyCodex } from './identify.ts'
import { placeCodex } from './place.ts'
import { inPlaceCodex, rewriteCodex } from './rewrite.ts'
import { codexSteps } from './steps.ts'

/**
 * Reads the rollouts of Codex 0.101 to 0.169, legacy and paginated. `homeFolder` is Codex's own folder (`codexHomeFolder`), below which new sessions
 * go; without it `place` needs a folder. A rollout has no sidecars: those that it goes on from are read as its beginning (`fileTranscript`).
 */
export function codexReader(options: { readonly homeFolder?: string | undefined } = {}): TranscriptReader {
  return {
    agent: 'codex',
    sidecars: () => [],
    detect: isRollout,
    identify: identifyCodex,
    entries: (transcript, wanted) => codexEntries(transcript, wanted ?? {}),
    structure: (transcript, wanted) => codexStructure(transcript, wanted ?? {}),
    entry: codexEntry,
    steps: codexSteps,
    compactions: (transcript, wanted) => codexCompactions(transcript, wanted ?? {}),
    context: codexContext,
    kept: codexKept,
    turnStart: codexTurnStart,
    rewrite: rewriteCodex,
    place: (place) => placeCodex(place, options.homeFolder),
    inPlace: inPlaceCodex,
  }
}
