import type { CheckpointRow } from './checkpoint.ts'
import type { Ledger } from './ledger.ts'
import type { Key, RefChanges } from './storage.ts'

const mostSessions = 200
const mostCharacters = 4_000_000

/** A ledger with all of its rows. Read alone. */
interface KnownSession {
  readonly ledger: Ledger
  readonly rows: readonly CheckpointRow[]
}

/** What searches of one service have read: ledgers, until storage tells that they changed, and texts by what tells them from all others. */
export interface KnownFound {
  /** The token of `RefStore.changes` up to which the ledgers are right. */
  token(): string | undefined
  /** Differs after each `changed`: what was read before it may be older than that. */
  generation(): number
  /** Forgets what changed. A storage that tells nothing has every ledger read by every search. */
  changed(changes: RefChanges | undefined): void
  session(name: Key): KnownSession | undefined
  setSession(name: Key, session: KnownSession): void
  text(key: string): string | undefined
  setText(key: string, text: string): void
}

/** Nothing yet. */
export function createKnownFound(): KnownFound {
  const sessions = new Map<Key, KnownSession>()
  const texts = new Map<string, string>()
  let characters = 0
  let token: string | undefined
  let generation = 0
  return {
    token: () => token,
    generation: () => generation,
    changed(changes) {
      generation += 1
      if (changes?.names === undefined) sessions.clear()
      else for (const name of changes.names) sessions.delete(name)
      token = changes?.token
    },
    session: (name) => sessions.get(name),
    setSession(name, session) {
      if (sessions.size >= mostSessions) sessions.clear()
      sessions.set(name, session)
    },
    text: (key) => texts.get(key),
    setText(key, text) {
      if (text.length * 8 > mostCharacters || texts.has(key)) return
      texts.set(key, text)
      characters += text.length
      for (const [oldest, old] of texts) {
        if (characters <= mostCharacters) break
        texts.delete(oldest)
        characters -= old.length
      }
    },
  }
}
