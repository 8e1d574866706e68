import type { FactCategory } from '@palimpsest/core'

/** What facts of a category are called, for people. */
export const factWords: Readonly<Record<FactCategory, string>> = {
  request: 'user’s requests',
  decision: 'decisions',
  error: 'error lines',
  'file-written': 'files written',
  command: 'commands run',
  commit: 'commit ids',
  number: 'numbers with units',
  url: 'URLs',
  'replaced-code': 'code replaced',
  symbol: 'names in code',
  'file-read': 'files read',
}
