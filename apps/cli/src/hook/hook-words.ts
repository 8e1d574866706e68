import { hookAdapters } from './adapters/index.ts'
import { type HookAdapter, type HookInput, HookProblem, type HookRequest } from './hook-request.ts'

/** What the words of a hook's command line say. */
export interface HookWords {
  readonly agent: string
  readonly event: string
  readonly store: string | undefined
  /** The agent's own folder, where it isn't the usual one or the environment may not say so. */
  readonly home: string | undefined
}

/** Reads `[hook] AGENT EVENT [--store URL] [--home FOLDER]`; other options of the command change nothing here. Throws a `HookProblem`. */
export function parseHookWords(words: readonly string[]): HookWords {
  const named: string[] = []
  const values = new Map<string, string>()
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at] ?? ''
    const [, name, assigned] = /^--(store|home)(?:=(.*))?$/s.exec(word) ?? []
    if (name === undefined) {
      if (!word.startsWith('-')) named.push(word)
      continue
    }
    if (assigned === undefined) at += 1
    const value = assigned ?? words[at]
    if (value === undefined) throw new HookProblem(`--${name} has no value.`)
    values.set(name, value)
  }
  if (named[0] === 'hook') named.shift()
  const [agent, event] = named
  if (agent === undefined || event === undefined || named.length > 2) {
    throw new HookProblem(
      `The command line of a hook is: palimpsest hook AGENT EVENT [--store URL] [--home FOLDER]. The events are ${everyEvent()}.`,
    )
  }
  return { agent, event, store: values.get('store'), home: values.get('home') }
}

/** What an event asks for, from the text of its input. Throws a `HookProblem`. */
export function requestOf(
  { agent, event, home }: Omit<HookWords, 'store'>,
  inputText: string,
): { adapter: HookAdapter; request: HookRequest } {
  const adapter = hookAdapters.find((candidate) => candidate.agent === agent)
  const read = adapter?.events.get(event)
  if (adapter === undefined || read === undefined) {
    throw new HookProblem(`There is no hook ${JSON.stringify(`${agent} ${event}`)}. The events are ${everyEvent()}.`)
  }
  return { adapter, request: read(parseInput(inputText), home) }
}

function parseInput(text: string): HookInput {
  if (text.trim() === '') throw new HookProblem('The hook was given nothing on standard input.')
  let value: unknown
  try {
    value = JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (error) {
    throw new HookProblem(`The hook's input is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
  if (!isObject(value)) throw new HookProblem('The hook’s input is JSON, but no object.')
  return value
}

function isObject(value: unknown): value is HookInput {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function everyEvent(): string {
  return hookAdapters.map(({ agent, events }) => `${agent} ${[...events.keys()].join(' | ')}`).join('; ')
}
