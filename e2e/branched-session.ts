import { listAt, shown, textAt } from './json-value.ts'
import type { Palimpsest } from './palimpsest.ts'

/** A new session from a checkpoint, and the words with which its client resumes it. */
export interface BranchedSession {
  readonly path: string
  readonly sessionId: string
  readonly resume: readonly string[]
}

/** How checkpoints are branched for a client, whose program the command that a branch gives begins with. */
export function branchedFor(program: string) {
  return async (palimpsest: Palimpsest, id: string, ...words: readonly string[]): Promise<BranchedSession> => {
    const branch = await palimpsest.json('branch', id, ...words)
    const argv = listAt(branch, 'resumeArgv').map((_, index) => textAt(branch, 'resumeArgv', index))
    if (argv[0] !== program) throw new Error(`resumeArgv is ${shown(argv)}`)
    return { path: textAt(branch, 'path'), sessionId: textAt(branch, 'sessionId'), resume: argv.slice(1) }
  }
}
