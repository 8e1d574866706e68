import { resolve } from 'node:path'

/** The folder of the repository. */
export const repository: string = resolve(import.meta.dirname, '..')

/** Grown transcripts, peers, prepared stores and what a run leaves while it runs; git ignores it. */
export const workFolder: string = resolve(repository, '.bench')

/** Recorded sessions. */
export const fixturesFolder: string = resolve(repository, process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')

/** An environment with nothing of a person in it: a search path and a throw-away home. */
export function emptyEnvironment(home: string): NodeJS.ProcessEnv {
  return { PATH: process.env['PATH'], HOME: home, LANG: 'C.UTF-8', OPENCLAW_STATE_DIR: `${home}/openclaw` }
}
