import { z } from 'zod'

/** A conversation of LoCoMo: sessions of turns, and questions about them. */
export interface LocomoConversation {
  readonly id: string
  readonly sessions: readonly LocomoSession[]
  readonly questions: readonly LocomoQuestion[]
  /** Questions that name no turn of the conversation as evidence, which nothing can be scored by. */
  readonly unanswerable: number
}

export interface LocomoSession {
  /** From 1, in the order of time. */
  readonly number: number
  /** As the file says it: `1:56 pm on 8 May, 2023`. */
  readonly dateTime?: string | undefined
  readonly turns: readonly LocomoTurn[]
}

interface LocomoTurn {
  /** `D<session>:<turn>`, without leading zeros. */
  readonly id: string
  readonly speaker: string
  readonly text: string
}

interface LocomoQuestion {
  readonly question: string
  /** Turns that hold the answer, each once. */
  readonly evidence: readonly string[]
  readonly category: number
}

const turnSchema = z.object({
  speaker: z.string(),
  dia_id: z.string(),
  text: z.string(),
  blip_caption: z.string().optional(),
})
const conversationSchema = z.object({
  sample_id: z.string(),
  conversation: z.record(z.string(), z.unknown()),
  qa: z.array(z.object({ question: z.string(), evidence: z.array(z.string()).optional(), category: z.int() })),
})

/**
 * Reads the public file `locomo10.json` of LoCoMo (Maharana et al., ACL 2024): per sample `conversation.session_<n>` with turns
 * `{ speaker, dia_id, text, blip_caption? }`, `session_<n>_date_time`, and `qa` with `{ question, evidence, category }`. The file's slips are
 * taken as they are meant: several ids in one string (`D8:6; D9:17`), leading zeros (`D30:05`); ids of turns that don't exist are left out. What a picture shows
 * is part of its turn. Throws a `TypeError` that says what is not in this format.
 */
export function readLocomo(json: string): readonly LocomoConversation[] {
  const samples = z.array(conversationSchema).safeParse(jsonOf(json))
  if (!samples.success) throw new TypeError(`This is not the format of locomo10.json: ${z.prettifyError(samples.error)}`)
  return samples.data.map(({ sample_id: id, conversation, qa }) => {
    const sessions = sessionsOf(conversation, id)
    const turnIds = new Set(sessions.flatMap(({ turns }) => turns.map((turn) => turn.id)))
    const questions = qa.map(({ question, evidence = [], category }) => ({
      question,
      category,
      evidence: [...new Set(evidence.flatMap(turnIdsIn))].filter((turn) => turnIds.has(turn)),
    }))
    const answerable = questions.filter(({ evidence }) => evidence.length > 0)
    return { id, sessions, questions: answerable, unanswerable: questions.length - answerable.length }
  })
}

/** The number of the session that a turn belongs to. */
export function sessionOfTurn(turnId: string): number {
  return Number(/^D(\d+):/.exec(turnId)?.[1])
}

function sessionsOf(conversation: Readonly<Record<string, unknown>>, id: string): readonly LocomoSession[] {
  const sessions: LocomoSession[] = []
  for (const [name, value] of Object.entries(conversation)) {
    const number = /^session_(\d+)$/.exec(name)?.[1]
    if (number === undefined) continue
    const turns = z.array(turnSchema).safeParse(value)
    if (!turns.success) throw new TypeError(`${name} of ${id} is not a list of turns: ${z.prettifyError(turns.error)}`)
    const dateTime = conversation[`${name}_date_time`]
    sessions.push({
      number: Number(number),
      ...(typeof dateTime === 'string' ? { dateTime } : {}),
      turns: turns.data.map(({ dia_id, speaker, text, blip_caption }) => ({
        id: turnIdsIn(dia_id)[0] ?? dia_id,
        speaker,
        text: blip_caption === undefined ? text : `${text}\n[${blip_caption}]`,
      })),
    })
  }
  return sessions.sort((left, right) => left.number - right.number)
}

function turnIdsIn(text: string): readonly string[] {
  return [...text.matchAll(/D(\d+):(\d+)/g)].map(([, session, turn]) => `D${Number(session)}:${Number(turn)}`)
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new TypeError('This is not JSON.', { cause })
  }
}
