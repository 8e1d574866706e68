/**
 * A stretch of a list of messages: `count` messages that the line brought itself, or those that stood at places `first` to `last` of the list
 * before it, or of the one that was put aside.
 */
export type Run =
  | { readonly from: 'own'; readonly count: number }
  | { readonly from: 'live' | 'aside'; readonly first: number; readonly last: number }

/**
 * What a line does to the list of live messages.
 *
 * - `add`: its message comes last. · `put`: its message takes a place, instead of the entry `replaced`. · `cut`: `length` messages stay.
 * - `list`: the list is now made of these runs. Where messages of the list before it are left out, and the line is no compaction, that list is
 *   put aside: the client starts a file anew with one message, and gives all others back a moment later.
 */
export type Note =
  | { readonly op: 'add' }
  | { readonly op: 'put'; readonly place: number; readonly replaced: string }
  | { readonly op: 'cut'; readonly length: number }
  | { readonly op: 'list'; readonly runs: readonly Run[] }

/** The note as one string, for an index. */
export function writeNote(note: Note): string {
  switch (note.op) {
    case 'add':
      return 'add'
    case 'put':
      return `put ${note.place} ${note.replaced}`
    case 'cut':
      return `cut ${note.length}`
    case 'list':
      return ['list', ...note.runs.map((run) => (run.from === 'own' ? `own:${run.count}` : `${run.from}:${run.first}-${run.last}`))].join(
        ' ',
      )
    default:
      return note satisfies never
  }
}

/** The note that `writeNote` wrote, or `undefined`. */
export function readNote(text: string | undefined): Note | undefined {
  const [op, ...words] = text?.split(' ') ?? []
  switch (op) {
    case 'add':
      return { op }
    case 'put':
      return { op, place: Number(words[0]), replaced: words.slice(1).join(' ') }
    case 'cut':
      return { op, length: Number(words[0]) }
    case 'list':
      return { op, runs: words.flatMap(readRun) }
    default:
      return undefined
  }
}

/** How many messages of the list before it a list has. */
export function keptCount(runs: readonly Run[]): number {
  const places = new Set<number>()
  for (const run of runs) if (run.from === 'live') for (let place = run.first; place <= run.last; place++) places.add(place)
  return places.size
}

function readRun(word: string): readonly Run[] {
  const [from, range = ''] = word.split(':')
  const [first, last] = range.split('-').map(Number)
  if (first === undefined || Number.isNaN(first)) return []
  if (from === 'own') return [{ from, count: first }]
  if ((from !== 'live' && from !== 'aside') || last === undefined || Number.isNaN(last)) return []
  return [{ from, first, last }]
}
