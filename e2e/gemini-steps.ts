import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from './clients.ts'
import type { GeminiClient } from './gemini-client.ts'
import { at, jsonLines, shown, textAt } from './json-value.ts'
import { continuationOf, firstTurn } from './resumed-messages.ts'
import type { ModelRequest } from './stand-ins.ts'

const nextPrompt = 'next, please'

/** Turns in processes of their own, the last of which calls a tool with its context full; gives the last request before the compaction. */
export async function heldAndCompacted(client: GeminiClient): Promise<{ readonly path: string; readonly before: ModelRequest }> {
  await client.prompt('one CALL:read_file {"file_path":"notes.txt"}', [])
  const chats = await client.chats()
  const [fileName] = await namesIn(chats)
  const path = join(chats, fileName ?? '')
  const resume = ['--resume', textAt(jsonLines(await readFile(path))[0], 'sessionId')]
  await client.prompt('two, hello', resume)
  const full = await client.prompt('three CALL:read_file {"file_path":"notes.txt"} USAGE:700000', resume)
  const asked = full.findIndex((request) => request.kind === 'compact')
  if (asked === -1) throw new Error('the model was not asked for a summary')
  return { path, before: full.slice(0, asked).findLast((request) => request.kind === 'turn') ?? firstTurn(full) }
}

/** What the model is sent behind all that it was sent before. */
export async function resumed(client: GeminiClient, resume: readonly string[], before: ModelRequest): Promise<readonly unknown[]> {
  const requests = await client.prompt(nextPrompt, resume)
  if (requests.some((request) => request.kind === 'compact')) throw new Error('the client compacted on resume')
  return continuationOf(before, firstTurn(requests)).after
}

/** The call that the model made last before the compaction, its result, and the new prompt. */
export function assertCalledAndPrompted(after: readonly unknown[]): void {
  const [call, result] = after
  const said = JSON.stringify(after)
  const isCall = at(call, 'role') === 'model' && JSON.stringify(call).includes('"functionCall"')
  const isResult = at(result, 'role') === 'user' && JSON.stringify(result).includes('forty-two')
  if (isCall && isResult && JSON.stringify(after.at(-1)).includes(nextPrompt) && !said.includes('state_snapshot')) return
  throw new Error(`expected a call, its result and the new prompt, found ${after.length} messages: ${shown(after, 900)}`)
}

/** Where the line begins that is the compaction. */
export function boundaryOf(log: Buffer): number {
  for (let start = 0; start < log.length; ) {
    const feed = log.indexOf(10, start)
    const line = log.toString('utf8', start, feed === -1 ? log.length : feed)
    if (line.startsWith('{"$set":{"messages"') && line.includes('<state_snapshot>')) return start
    start = feed === -1 ? log.length : feed + 1
  }
  throw new Error('the log has no compaction')
}
