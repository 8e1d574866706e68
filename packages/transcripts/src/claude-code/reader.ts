import type { TranscriptReader } from '@palimpsest/core'
import { readCompactions } from './compactions.ts'
import { contextAt, keptAt } from './context.ts'
import { isClaudeCodeSession } from './detect.ts'
import { entryOfLine, readEntries, readIndexed } from './entries.ts'
import { identifySession } from './identify.ts'
import { placeSession } from './place.ts'
import { replaceInPlace, rewriteSession } from './rewrite.ts'
import { sidecarsOf } from './sidecars.ts'
import { stepsOfLine } from './steps.ts'
import { isPromptAt } from './turns.ts'

/** The reader of Claude Code's sessions, known from clients 2.0.76 to 2.1.330. New sessions are placed below `configFolder` (`~/.claude`). */
export function claudeCodeReader(options: { readonly configFolder: string }): TranscriptReader {
  return {
    agent: 'claude-code',
    sidecars: sidecarsOf,
    detect: (head, file) => isClaudeCodeSession(head, file.path),
    identify: identifySession,
    entries: readEntries,
    structure: readIndexed,
    entry: entryOfLine,
    steps: stepsOfLine,
    compactions: readCompactions,
    context: contextAt,
    kept: keptAt,
    turnStart: (index, position) => (isPromptAt(index, position) ? position : undefined),
    rewrite: rewriteSession,
    place: (place) => placeSession(options.configFolder, place),
    inPlace: async () => replaceInPlace(),
  }
}
