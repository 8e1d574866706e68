import { entryKey, type IndexedSession, type RecallEntry, sessionName } from './corpus.ts'
import type { LocomoConversation, LocomoSession } from './locomo.ts'
import { sessionOfTurn } from './locomo.ts'
import type { RecallQuery } from './recall-query.ts'

const agent = 'messages'

/** The sessions of a conversation, an entry a turn: `speaker: text`. */
export function locomoSessions({ id, sessions }: LocomoConversation): readonly IndexedSession[] {
  return sessions.map((session) => {
    const sessionKey = locomoSessionKey(id, session.number)
    const name = sessionName(agent, sessionKey)
    const entries = session.turns.map((turn): RecallEntry => {
      const key = entryKey(name, 'main', turn.id)
      return { key, id: turn.id, part: 'main', text: `${turn.speaker}: ${turn.text}`, turn: turn.id, calls: [], ambiguous: false }
    })
    return { name, agent, sessionKey, entries: new Map(entries.map((entry) => [entry.key, entry])) }
  })
}

/** The questions about a conversation: the turns that are named as evidence answer them, and the sessions of those. */
export function locomoQueries({ id, questions }: LocomoConversation): readonly RecallQuery[] {
  return questions.map(({ question, evidence, category }) => {
    const sessionOf = (turn: string) => sessionName(agent, locomoSessionKey(id, sessionOfTurn(turn)))
    return {
      kind: `category ${category}`,
      text: question,
      session: id,
      turn: evidence[0] ?? '',
      answers: new Set(evidence.map((turn) => entryKey(sessionOf(turn), 'main', turn))),
      answerSessions: new Set(evidence.map(sessionOf)),
    }
  })
}

/** The turns of a session as a program would hold them: two speakers, with ids. */
export function locomoMessages(session: LocomoSession): readonly { id: string; role: 'user' | 'assistant'; content: string }[] {
  const [first] = session.turns
  return session.turns.map(({ id, speaker, text }) => ({
    id,
    role: speaker === first?.speaker ? 'user' : 'assistant',
    content: `${speaker}: ${text}`,
  }))
}

/** What a session of a conversation is called. */
export function locomoSessionKey(conversation: string, session: number): string {
  return `${conversation}-session-${session}`
}
