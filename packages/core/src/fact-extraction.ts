import type { EntryStep } from './entry-step.ts'
import type { FactCategory, FoundFact } from './fact.ts'
import { decisionsIn, errorLinesIn, firstLineIn } from './fact-lines.ts'
import { commitsIn, definitionsIn, numbersIn, symbolsIn, urlsIn } from './fact-patterns.ts'

const rememberedCalls = 1024
/** Texts beyond that are looked at up to there: nobody reads more of one output. */
const longestText = 1024 * 1024

/** Finds the facts of entries, in the order of the transcript: what a call gave back is judged by what the call was. */
export interface FactExtraction {
  /** The facts that an entry's steps hold, each once. */
  next(steps: readonly EntryStep[]): readonly FoundFact[]
}

/** An extraction that has seen nothing yet. */
export function factExtraction(): FactExtraction {
  const calls = new Map<string, EntryStep['did']>()
  const remember = (callId: string | undefined, did: EntryStep['did']): void => {
    if (callId === undefined) return
    calls.set(callId, did)
    const [oldest] = calls.size > rememberedCalls ? calls.keys() : []
    if (oldest !== undefined) calls.delete(oldest)
  }
  return {
    next(steps) {
      const facts = new Map<string, FoundFact>()
      const add = (category: FactCategory, text: string): void => {
        const fact = { category, text: text.trim() }
        if (fact.text.length >= shortest[category]) facts.set(`${category} ${fact.text}`, fact)
      }
      for (const step of steps) {
        if ('callId' in step && step.did !== 'returned') remember(step.callId, step.did)
        factsOfStep(step, (callId) => calls.get(callId), add)
      }
      return [...facts.values()]
    },
  }
}

/** Shorter texts stand in too many places by chance. */
const shortest: Readonly<Record<FactCategory, number>> = {
  command: 4,
  'file-read': 3,
  'file-written': 3,
  error: 8,
  decision: 20,
  request: 8,
  url: 12,
  commit: 7,
  number: 2,
  symbol: 4,
  'replaced-code': 12,
}

function factsOfStep(
  step: EntryStep,
  callOf: (callId: string) => EntryStep['did'] | undefined,
  add: (category: FactCategory, text: string) => void,
): void {
  switch (step.did) {
    case 'said': {
      const text = step.text.slice(0, longestText)
      if (step.by === 'user') add('request', text)
      if (step.by === 'assistant') for (const decision of decisionsIn(text)) add('decision', decision)
      addMarks(text, add)
      for (const symbol of symbolsIn(text)) add('symbol', symbol)
      return
    }
    case 'ran':
      add('command', step.command)
      for (const url of urlsIn(step.command)) add('url', url)
      return
    case 'read':
      add('file-read', step.path)
      return
    case 'wrote':
      add('file-written', step.path)
      addDefinitions(step.after, add)
      return
    case 'replaced':
      if (step.path !== undefined) add('file-written', step.path)
      add('replaced-code', step.before)
      addDefinitions(step.after, add)
      return
    case 'called':
      for (const url of urlsIn(step.input.slice(0, longestText))) add('url', url)
      return
    case 'returned': {
      const called = step.callId === undefined ? undefined : callOf(step.callId)
      const text = step.text.slice(0, longestText)
      const isFileText = called === 'read' || called === 'wrote' || called === 'replaced'
      if (step.failed || called === 'ran' || called === undefined) {
        const lines = errorLinesIn(text)
        const first = lines.length === 0 && step.failed ? firstLineIn(text) : undefined
        for (const line of first === undefined ? lines : [first]) add('error', line)
      }
      // What a file says can be read again.
      if (!isFileText) addMarks(text, add)
      return
    }
    case 'thought':
      return
    default:
      step satisfies never
  }
}

function addMarks(text: string, add: (category: FactCategory, text: string) => void): void {
  for (const url of urlsIn(text)) add('url', url)
  for (const commit of commitsIn(text)) add('commit', commit)
  for (const number of numbersIn(text)) add('number', number)
}

function addDefinitions(code: string | undefined, add: (category: FactCategory, text: string) => void): void {
  if (code === undefined) return
  for (const symbol of definitionsIn(code.slice(0, longestText))) add('symbol', symbol)
}
