import type { TranscriptReader } from '@palimpsest/core'
import { withCheckpointRecords } from './checkpoint-records.ts'
import { piCompactions } from './compactions.ts'
import { piContext, piKept } from './context.ts'
import { isOpenClawPlace, isPiFormat } from './detect.ts'
import { piEntries, piEntry, piStructure, piStructureInto } from './entries.ts'
import { identifyOpenClaw, identifyPi } from './identify.ts'
import { inPlacePi } from './in-place.ts'
import { placeOpenClaw, placePi } from './place.ts'
import { rewritePi } from './rewrite.ts'
import { piSteps } from './steps.ts'

/**
 * Reads the sessions of pi, all versions of its format, 1 to 3. `agentFolder` is where new ones go (`piAgentFolder`); without it `place`
 * needs a folder. Sessions that are OpenClaw's, by their place or below `openClawStateFolder`, are not detected.
 */
export function piReader(
  options: { readonly agentFolder?: string | undefined; readonly openClawStateFolder?: string | undefined } = {},
): TranscriptReader {
  return {
    ...sharedReader,
    agent: 'pi',
    detect: (head, file) => !isOpenClawPlace(file, options.openClawStateFolder) && isPiFormat(head, file.path),
    identify: identifyPi,
    place: (place) => placePi(place, options.agentFolder),
  }
}

/**
 * Reads the sessions of OpenClaw, which are pi's with rows of their own. `stateFolder` is OpenClaw's own folder (`openClawStateFolder`);
 * new sessions go to the agent `agentId` in it, by default `main`.
 */
export function openClawReader(
  options: { readonly stateFolder?: string | undefined; readonly agentId?: string | undefined } = {},
): TranscriptReader {
  return {
    ...sharedReader,
    agent: 'openclaw',
    detect: (head, file) => isOpenClawPlace(file, options.stateFolder) && isPiFormat(head, file.path),
    identify: identifyOpenClaw,
    compactions: (transcript, wanted) => withCheckpointRecords(transcript, piCompactions(transcript, wanted ?? {})),
    place: (place) => placeOpenClaw(place, options.stateFolder, options.agentId ?? 'main'),
  }
}

const sharedReader = {
  sidecars: () => [],
  // It says whose a session is, and in OpenClaw what was compacted.
  companions: ['sessions.json'],
  entries: (transcript, options) => piEntries(transcript, options ?? {}),
  structure: (transcript, options) => piStructure(transcript, options ?? {}),
  structureInto: (transcript, sink, options) => piStructureInto(transcript, sink, options ?? {}),
  entry: piEntry,
  steps: piSteps,
  compactions: (transcript, options) => piCompactions(transcript, options ?? {}),
  context: piContext,
  kept: piKept,
  rewrite: rewritePi,
  inPlace: inPlacePi,
} satisfies Partial<TranscriptReader>
