import { resolve } from 'node:path'

/** The folder of the repository. */
export const repository = resolve(import.meta.dirname, '..')

/** Clients and throw-away homes; git ignores it. */
export const workFolder = resolve(repository, '.e2e')

/** The stand-ins for model APIs. */
export const toolsFolder = resolve(repository, process.env['PALIMPSEST_TOOLS'] ?? '../shared/tools')

/** Recorded sessions. */
export const fixturesFolder = resolve(repository, process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures')

/** An environment with nothing of a person in it: a search path, a language, a throw-away home. */
export function emptyEnvironment(home: string): NodeJS.ProcessEnv {
  return {
    PATH: `${resolve(repository, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    LANG: 'C.UTF-8',
    TERM: 'xterm-256color',
  }
}
