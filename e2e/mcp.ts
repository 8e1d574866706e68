import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ClaudeClient, claudeIn, installClaudeCode } from './claude-client.ts'
import { palimpsestOf } from './claude-steps.ts'
import { type CodexClient, codexIn, installCodex } from './codex-client.ts'
import { assertSame } from './difference.ts'
import { ofCompactions, withClient } from './install-kept.ts'
import { listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestIn } from './palimpsest.ts'
import type { ModelRequest } from './stand-ins.ts'
import type { Scenario, Suite } from './suite.ts'

type Client = { readonly program: string }

/** What a tool says early in the session, in no word of a prompt: after the compaction only the checkpoint still has it. */
const forgotten = `ENOENT-${6 * 7}-quokka`
const sayForgotten = 'echo ENOENT-$((6*7))-quokka'

/** The agents call our MCP tools themselves, as their models ask them to, and get back what the compaction took out of their context. */
export const mcp: Suite = {
  name: 'mcp',
  run: async (course) => {
    await withClient<Client>(course, 'claude-code', 'mock-anthropic-messages.mjs', installClaudeCode, {
      'the model reads what it forgot': inClaude,
    })
    await withClient<Client>(course, 'codex', 'mock-openai-responses.mjs', () => installCodex('0.169.0'), {
      'the model reads what it forgot': inCodex,
    })
  },
}

/** A session that was compacted, and how its model asks for a tool of ours. */
interface Forgetful {
  readonly agent: string
  readonly palimpsest: Palimpsest
  /** A turn in which the model calls a tool, or none. */
  turn(call: { readonly tool: string; readonly input: object } | undefined): Promise<readonly ModelRequest[]>
}

async function inClaude(scenario: Scenario, { program }: Client): Promise<void> {
  const client: ClaudeClient = await claudeIn(scenario, program)
  await writeFile(join(client.home, '.claude/settings.json'), JSON.stringify({ permissions: { allow: ['mcp__palimpsest'] } }))
  const palimpsest = await palimpsestOf(scenario, client)
  await palimpsest.json('install', 'claude-code', '--yes')
  const sessionId = randomUUID()
  await scenario.check('the client holds a session with a tool, and compacts it', async () => {
    await client.prompt(`look [[tool Bash {"command":"${sayForgotten}"}]] [[say LOOKED]]`, ['--session-id', sessionId])
    await client.prompt('go on [[say ON]]', ['--resume', sessionId])
    await client.prompt('/compact', ['--resume', sessionId])
  })
  await recalled(scenario, {
    agent: 'claude-code',
    palimpsest,
    turn: (call) => {
      const step = call === undefined ? '' : `[[tool mcp__palimpsest__${call.tool} ${JSON.stringify(call.input)}]]`
      return client.prompt(`what was it? ${step} [[say FOUND]]`, ['--resume', sessionId])
    },
  })
}

async function inCodex(scenario: Scenario, { program }: Client): Promise<void> {
  // Hooks of nobody, so that the client is started without asking for trust.
  const client: CodexClient = await codexIn(scenario, program, { hooks: {} })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  await palimpsest.json('install', 'codex', '--yes')
  const sessionId = await scenario.check('the client holds a session with a tool, and compacts it', async () => {
    const held = await client.prompt(`look\nRUN: ${sayForgotten}\nSAY: LOOKED`)
    await client.prompt('go on\nRUN: echo on\nUSAGE: 150000\nSAY: ON', 'resume', held.sessionId)
    return held.sessionId
  })
  await recalled(scenario, {
    agent: 'codex',
    palimpsest,
    turn: async (call) => {
      const step = call === undefined ? '' : `\nCALL: mcp__palimpsest/${call.tool} ${JSON.stringify(call.input)}`
      return (await client.prompt(`what was it?${step}\nSAY: FOUND`, 'resume', sessionId)).requests
    },
  })
}

async function recalled(scenario: Scenario, session: Forgetful): Promise<void> {
  const { agent, palimpsest } = session
  const id = await scenario.check('the hooks have kept one checkpoint, which has the entry', async () => {
    const found = await ofCompactions(palimpsest, agent)
    assertSame(1, found.length, `the number of checkpoints (${shown(found, 900)})`)
    return textAt(found[0], 'id')
  })
  const entryId = await scenario.check('the entry is one that the compaction dropped', async () => {
    const dropped = listAt(await palimpsest.json('read', id, '--dropped'), 'entries')
    const entry = dropped.find((each) => textAt(each, 'text').includes(forgotten))
    if (entry === undefined) throw new Error(`none of ${shown(dropped, 900)} has it`)
    return textAt(entry, 'id')
  })
  await scenario.check('without a tool no word of it is sent to the model', async () => {
    const requests = await session.turn(undefined)
    if (JSON.stringify(requests).includes(forgotten)) throw new Error('the model was sent it')
  })
  await scenario.check('the model calls get_checkpoint with no id, reads on from page to page, and is sent the entry', async () => {
    let answer = await answered(session, 'get_checkpoint', { dropped: true })
    if (!answer.includes(id)) throw new Error(`it is not of this session’s checkpoint: ${answer.slice(0, 1500)}`)
    for (let pages = 1; !answer.includes(forgotten); pages++) {
      const cursor = /"next_cursor":"([^"]+)"/.exec(answer)?.[1]
      if (cursor === undefined || pages > 9) throw new Error(`page ${pages} ends with ${answer.slice(-900)}`)
      answer = await answered(session, 'get_checkpoint', { cursor })
    }
  })
  await scenario.check('it calls get_checkpoint for this one entry, and is sent it', async () => {
    const answer = await answered(session, 'get_checkpoint', { id, entry: entryId })
    if (!answer.includes(forgotten) || !answer.includes(id)) throw new Error(`the model was sent ${answer.slice(0, 1500)}`)
  })
  await scenario.also('it calls list_checkpoints, and is shown the checkpoint by its short id', async () => {
    const answer = await answered(session, 'list_checkpoints', {})
    if (!answer.includes(`"id":"${id.slice(-8)}"`)) throw new Error(`the model was sent ${answer}`)
  })
}

/** What our tool answered, as the model was sent it. */
async function answered(session: Forgetful, tool: string, input: object): Promise<string> {
  const requests = await session.turn({ tool, input })
  if (requests.length < 2) throw new Error(`the model was asked ${requests.length} times: ${shown(requests, 900)}`)
  // The clients put the answer's JSON into a string; one level of it is undone.
  return JSON.stringify(requests.at(-1)?.messages.at(-1)).replaceAll('\\"', '"')
}
