import type { TranscriptReader } from '@palimpsest/core'
import { copilotCompactions } from './compactions.ts'
import { copilotContext, copilotKept } from './context.ts'
import { isCopilotSession } from './detect.ts'
import { copilotEntries, copilotEntry, copilotStructure } from './entries.ts'
import { identifyCopilot } from './identify.ts'
import { placeCopilot } from './place.ts'
import { inPlaceCopilot, rewriteCopilot } from './rewrite.ts'
import { copilotSidecars } from './sidecars.ts'
import { stepsOfEvent } from './steps.ts'

/** The reader of Copilot CLI's sessions (`events.jsonl`), known from client 1.0.102. New sessions are placed below `folder` (`~/.copilot`). */
export function copilotReader(options: { readonly folder: string }): TranscriptReader {
  return {
    agent: 'copilot',
    sidecars: copilotSidecars,
    detect: isCopilotSession,
    identify: identifyCopilot,
    entries: (transcript, wanted) => copilotEntries(transcript, wanted ?? {}),
    structure: (transcript, wanted) => copilotStructure(transcript, wanted ?? {}),
    entry: copilotEntry,
    steps: stepsOfEvent,
    compactions: (transcript, wanted) => copilotCompactions(transcript, wanted ?? {}),
    context: copilotContext,
    kept: copilotKept,
    rewrite: rewriteCopilot,
    place: (place) => placeCopilot(options.folder, place),
    inPlace: inPlaceCopilot,
  }
}
