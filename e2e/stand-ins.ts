import { mkdir, readFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { exists, namesIn } from './clients.ts'
import { at, jsonLines, listAt } from './json-value.ts'
import { emptyEnvironment, toolsFolder } from './places.ts'
import { converse } from './processes.ts'
import type { Scenario } from './suite.ts'

/** A request that a model was sent. */
export interface ModelRequest {
  /** `turn`, or `compact` for the request for a summary. */
  readonly kind: 'turn' | 'compact' | 'other'
  readonly messages: readonly unknown[]
  /** The content of the answer, where the stand-in writes it down. */
  readonly reply?: readonly unknown[] | undefined
}

/** A model API on the loopback interface that writes down what it is sent: the oracle. */
export interface ModelStandIn {
  readonly url: string
  /** Everything so far, in order. */
  requests(): Promise<readonly ModelRequest[]>
}

/** Whether a stand-in is there; else why not. */
export async function missingTool(fileName: string): Promise<string | undefined> {
  const path = join(toolsFolder, fileName)
  return (await exists(path)) ? undefined : `no ${fileName} in PALIMPSEST_TOOLS (${toolsFolder})`
}

/** Stands in for the Anthropic Messages API until the scenario is over. */
export async function anthropicStandIn(scenario: Scenario): Promise<ModelStandIn> {
  const log = join(scenario.folder, 'model-requests')
  const portFile = join(scenario.folder, 'model-port')
  await mkdir(log)
  await serve(scenario, ['mock-anthropic-messages.mjs', '--port', '0', '--log', log, '--port-file', portFile, '--quiet'], '"port"')
  const port = (await readFile(portFile, 'utf8')).trim()
  return {
    url: `http://127.0.0.1:${port}`,
    requests: async () => {
      const names = (await namesIn(log)).filter((name) => /^req-\d+\.json$/.test(name))
      const logged = await Promise.all(names.sort().map((name) => readFile(join(log, name), 'utf8')))
      return logged.map((text): ModelRequest => {
        const row: unknown = JSON.parse(text)
        const kind = at(row, 'kind')
        const reply = at(row, 'replyBody', 'content')
        return {
          kind: kind === 'turn' || kind === 'compact' ? kind : 'other',
          messages: listOrNone(row, 'body', 'messages'),
          ...(Array.isArray(reply) ? { reply } : {}),
        }
      })
    },
  }
}

/** Stands in for the OpenAI chat completions API, among others, until the scenario is over. */
export async function chatStandIn(scenario: Scenario): Promise<ModelStandIn> {
  const { origin, rows } = await modelsStandIn(scenario)
  return {
    url: `${origin}/v1`,
    requests: async () =>
      (await rows())
        .filter((row) => Array.isArray(at(row, 'body', 'messages')))
        .map((row): ModelRequest => {
          const messages = listAt(row, 'body', 'messages')
          const summarising = /context summarization assistant/.test(JSON.stringify(messages[0]))
          // Copilot CLI asks for it in a last message of the user's.
          const asking = /Please create a detailed summary of the conversation so far/.test(JSON.stringify(messages.at(-1)))
          return { kind: summarising || asking ? 'compact' : 'turn', messages }
        }),
  }
}

/** Stands in for the Gemini API until the scenario is over. Requests that ask for JSON are the client's own, and are `other`. */
export async function geminiStandIn(scenario: Scenario): Promise<ModelStandIn> {
  const { origin, rows } = await modelsStandIn(scenario)
  return {
    url: origin,
    requests: async () =>
      (await rows())
        .filter((row) => Array.isArray(at(row, 'body', 'contents')) && /[gG]enerateContent/.test(String(at(row, 'url'))))
        .map((row): ModelRequest => {
          const messages = listAt(row, 'body', 'contents')
          if (at(row, 'body', 'generationConfig', 'responseMimeType') === 'application/json') return { kind: 'other', messages }
          return { kind: /<state_snapshot>/.test(JSON.stringify(at(row, 'body', 'systemInstruction'))) ? 'compact' : 'turn', messages }
        }),
  }
}

async function modelsStandIn(scenario: Scenario): Promise<{ readonly origin: string; rows(): Promise<readonly unknown[]> }> {
  const log = join(scenario.folder, 'model-requests.jsonl')
  const port = await freePort()
  await serve(scenario, ['mock-models.mjs', String(port), log], 'mock on')
  return {
    origin: `http://127.0.0.1:${port}`,
    rows: async () => ((await exists(log)) ? jsonLines(await readFile(log)) : []),
  }
}

/** Stands in for the OpenAI Responses API until the scenario is over. */
export async function responsesStandIn(scenario: Scenario): Promise<ModelStandIn> {
  const log = join(scenario.folder, 'model-requests')
  const portFile = join(scenario.folder, 'model-port')
  await mkdir(log)
  await serve(scenario, ['mock-openai-responses.mjs', '--port', '0', '--log', log, '--port-file', portFile], 'mock listening')
  const port = (await readFile(portFile, 'utf8')).trim()
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests: async () => {
      const names = (await namesIn(log)).filter((name) => /^\d{4}-POST.*\.json$/.test(name))
      const logged = await Promise.all(names.sort().map((name) => readFile(join(log, name), 'utf8')))
      return logged.flatMap((text): readonly ModelRequest[] => {
        const messages = listOrNone(JSON.parse(text), 'body', 'input')
        const asksForSummary = /"type":"compaction_trigger"|CONTEXT CHECKPOINT COMPACTION/.test(JSON.stringify(messages.at(-1) ?? ''))
        return messages.length === 0 ? [] : [{ kind: asksForSummary ? 'compact' : 'turn', messages }]
      })
    },
  }
}

/** The requests that `act` causes. */
export async function requestsDuring(standIn: ModelStandIn, act: () => Promise<unknown>): Promise<readonly ModelRequest[]> {
  const before = (await standIn.requests()).length
  await act()
  return (await standIn.requests()).slice(before)
}

async function serve(scenario: Scenario, script: readonly string[], ready: string): Promise<void> {
  const [file = '', ...flags] = script
  const server = converse([process.execPath, join(toolsFolder, file), ...flags], {
    cwd: scenario.folder,
    env: emptyEnvironment(scenario.folder),
  })
  // It serves until it is told to stop, so its end is the end of its time.
  scenario.afterwards(() => server.end(0))
  await server.line((line) => line.includes(ready), 10_000)
}

async function freePort(): Promise<number> {
  const probe = createServer()
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve))
  const address = probe.address()
  await new Promise((resolve) => probe.close(resolve))
  if (address === null || typeof address === 'string') throw new Error('no free port')
  return address.port
}

function listOrNone(value: unknown, ...path: readonly string[]): readonly unknown[] {
  const found = at(value, ...path)
  return Array.isArray(found) ? found : []
}
