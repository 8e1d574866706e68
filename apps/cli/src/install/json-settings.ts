import { type Insertion, insertEntry, removeEntry, takeOut } from './json-edit.ts'
import { entryState, type JsonEntry, type JsonValue, parseSettings } from './json-entries.ts'

/** What one installation wrote into a file of JSON. */
export interface WrittenJson {
  readonly entries: readonly JsonEntry[]
  /** In the order in which they were made. */
  readonly insertions: readonly Insertion[]
  readonly created: readonly (readonly string[])[]
}

/** A text of settings after an edit. */
export interface EditedJson {
  readonly text: string
  /** Absent where nothing was written. */
  readonly written?: WrittenJson | undefined
  /** Entries of ours that were edited by hand, by their names; they are left as they are. */
  readonly edited: readonly string[]
}

/** Settings with the entries in them, each once; where they are already, the text is the same. Throws `SettingsRefused`. */
export function withEntries(text: string, entries: readonly JsonEntry[], history: readonly WrittenJson[]): EditedJson {
  const stateOf = (from: string, entry: JsonEntry) => entryState(parseSettings(from), entry, earlierValues(entry, history)).kind
  const edited = entries.filter((entry) => stateOf(text, entry) === 'edited')
  const wanted = entries.filter((entry) => !edited.includes(entry))
  if (wanted.every((entry) => stateOf(text, entry) === 'present')) return { text, edited: edited.map(nameOf) }
  let after = wanted.some((entry) => stateOf(text, entry) === 'earlier') ? withoutEntries(text, entries, history).text : text
  const insertions: Insertion[] = []
  const created: (readonly string[])[] = []
  for (const entry of wanted) {
    if (stateOf(after, entry) === 'present') continue
    const inserted = insertEntry(after, entry)
    after = inserted.text
    insertions.push(inserted.insertion)
    created.push(...inserted.created)
  }
  return { text: after, written: { entries: wanted, insertions, created }, edited: edited.map(nameOf) }
}

/**
 * Settings without what was installed: exactly what they were where nothing around it has changed since, else everything but our entries as it is
 * now. `entries` are those that an installation would write now. Throws `SettingsRefused`.
 */
export function withoutEntries(text: string, entries: readonly JsonEntry[], history: readonly WrittenJson[]): EditedJson {
  let after = text
  for (const { insertions } of history) {
    for (const insertion of insertions.toReversed()) after = takeOut(after, insertion) ?? after
  }
  const created = history.length === 0 ? undefined : history.flatMap((written) => written.created)
  const known = [...entries, ...history.flatMap((written) => written.entries)]
  for (const entry of known.toReversed()) {
    for (;;) {
      const removed = removeEntry(after, entry, earlierValues(entry, history), created)
      if (removed === undefined) break
      after = removed
    }
  }
  const root = parseSettings(after)
  const edited = entries.filter((entry) => entryState(root, entry, earlierValues(entry, history)).kind === 'edited')
  return { text: after, edited: edited.map(nameOf) }
}

/** How an entry is called in messages. */
function nameOf({ at, name }: JsonEntry): string {
  return [...at, ...(name === undefined ? [] : [name])].join('.')
}

function earlierValues(entry: JsonEntry, history: readonly WrittenJson[]): readonly JsonValue[] {
  const place = nameOf(entry)
  return history.flatMap(({ entries }) => entries.filter((candidate) => nameOf(candidate) === place).map(({ value }) => value))
}
