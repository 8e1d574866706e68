import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { readLocomo } from '../locomo.ts'
import { runLocomo } from '../locomo-run.ts'
import { locomoMessages, locomoQueries, locomoSessions } from '../locomo-task.ts'

/** A conversation of our own, in the format of the public file. */
const sample = {
  sample_id: 'conv-1',
  conversation: {
    speaker_a: 'Ada',
    speaker_b: 'Ben',
    session_10_date_time: '9:00 am on 3 June, 2023',
    session_10: [{ speaker: 'Ben', dia_id: 'D10:1', text: 'The kiln arrived.' }],
    session_2_date_time: '1:56 pm on 8 May, 2023',
    session_2: [
      { speaker: 'Ada', dia_id: 'D2:1', text: 'I signed up for a pottery class.' },
      {
        speaker: 'Ben',
        dia_id: 'D2:2',
        text: 'Look at this!',
        img_url: ['https://example.org/bowl.jpg'],
        blip_caption: 'a photo of a blue bowl',
        query: 'bowl',
      },
    ],
    // Sessions of which only the date is given.
    session_11_date_time: '9:00 am on 4 June, 2023',
  },
  qa: [
    { question: 'What class did Ada sign up for?', answer: 'pottery', evidence: ['D2:1'], category: 4 },
    { question: 'What did Ben show, and what came later?', answer: 'a bowl; a kiln', evidence: ['D2:02; D10:1', 'D2:2'], category: 1 },
    { question: 'Why did Ada sell the kiln?', adversarial_answer: 'she did not', evidence: [], category: 5 },
    { question: 'What is not there?', answer: 'this', evidence: ['D99:1', 'D:11:26'], category: 3 },
  ],
  event_summary: {},
  session_summary: {},
  observation: {},
}
const [conversation] = readLocomo(JSON.stringify([sample]))
if (conversation === undefined) throw new Error('nothing was read')

describe('LoCoMo', () => {
  test('has its sessions in the order of their numbers, with the turns and what their pictures show', () => {
    expect(conversation.sessions.map(({ number }) => number)).toEqual([2, 10])
    expect(conversation.sessions[0]).toEqual({
      number: 2,
      dateTime: '1:56 pm on 8 May, 2023',
      turns: [
        { id: 'D2:1', speaker: 'Ada', text: 'I signed up for a pottery class.' },
        { id: 'D2:2', speaker: 'Ben', text: 'Look at this!\n[a photo of a blue bowl]' },
      ],
    })
  })

  test('takes evidence as it is meant: several ids in one string, leading zeros, each once', () => {
    expect(conversation.questions.map(({ evidence }) => evidence)).toEqual([['D2:1'], ['D2:2', 'D10:1']])
  })

  test('counts the questions that name no turn, and asks them not', () => {
    expect(conversation.questions).toHaveLength(2)
    expect(conversation.unanswerable).toBe(2)
  })

  test('becomes sessions of entries, and questions whose answers are among them', () => {
    const sessions = locomoSessions(conversation)
    const keys = new Set(sessions.flatMap(({ entries }) => [...entries.keys()]))
    expect(keys.size).toBe(3)
    const queries = locomoQueries(conversation)
    for (const { answers } of queries) for (const key of answers) expect(keys).toContain(key)
    expect(queries.map(({ answerSessions }) => [...answerSessions])).toEqual([
      ['messages/conv-1-session-2'],
      ['messages/conv-1-session-2', 'messages/conv-1-session-10'],
    ])
  })

  test('becomes messages whose ids are those of the turns', () => {
    expect(conversation.sessions.map(locomoMessages)).toEqual([
      [
        { id: 'D2:1', role: 'user', content: 'Ada: I signed up for a pottery class.' },
        { id: 'D2:2', role: 'assistant', content: 'Ben: Look at this!\n[a photo of a blue bowl]' },
      ],
      [{ id: 'D10:1', role: 'user', content: 'Ben: The kiln arrived.' }],
    ])
  })

  test.each(['', '{}', '[{"sample_id": 1}]', '[{"sample_id":"a","conversation":{"session_1":[{"speaker":"A"}]},"qa":[]}]'])(
    'says what is not in its format: %s',
    (text) => expect(() => readLocomo(text)).toThrow(TypeError),
  )
})

test('LoCoMo is asked of both engines, each conversation by itself', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'palimpsest-locomo-'))
  try {
    const file = join(folder, 'locomo.json')
    const other = {
      ...sample,
      sample_id: 'conv-2',
      qa: [{ question: 'Which class was it, pottery?', answer: 'pottery', evidence: ['D2:1'], category: 4 }],
    }
    await writeFile(file, JSON.stringify([sample, other]))
    const report = await runLocomo(file, { engines: ['plain', 'palimpsest'], splits: ['dev', 'test'], folder, progress: () => undefined })
    const whole = report.results.filter(({ kind }) => kind === undefined)
    for (const engine of ['plain', 'palimpsest']) {
      const halves = whole.filter((result) => result.engine === engine)
      expect(halves.reduce((sum, { queries }) => sum + queries, 0)).toBe(3)
      // Every question shares a rare word with its turn, and each conversation has two sessions: five hits hold the answer.
      for (const { session } of halves) expect(session[1]).toMatchObject({ at: 5, share: 1 })
    }
    expect(report.notRun).toEqual([{ what: '2 questions of LoCoMo', why: 'they name no turn as evidence' }])
    expect(report.index.map(({ engine }) => engine)).toEqual(['plain', 'palimpsest'])
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
