import { DatabaseSync } from 'node:sqlite'
import { assertSame } from './difference.ts'
import { isRecord, listAt, shown, textAt } from './json-value.ts'
import type { OpenCode } from './opencode-client.ts'
import type { Palimpsest } from './palimpsest.ts'

/** The prompt after a branch. */
export const nextPrompt = 'next'

/** Keeps the client from compacting by itself. */
export const notCompacting = { OPENCODE_CONFIG_CONTENT: JSON.stringify({ compaction: { auto: false } }) }

/** Branches a checkpoint and lets the client take the document in, as the command that the branch names does. */
export async function imported(client: OpenCode, palimpsest: Palimpsest, id: string): Promise<string> {
  return importDocument(client, await palimpsest.json('branch', id))
}

/** Lets the client take in the document of a branch; gives the id of the session. */
export async function importDocument(client: OpenCode, branch: unknown): Promise<string> {
  const argv = listAt(branch, 'resumeArgv').map((_, index) => textAt(branch, 'resumeArgv', index))
  assertSame(
    ['sh', '-c', 'cd "$3" && opencode import "$1" && exec opencode --session "$2"'],
    argv.slice(0, 3),
    'the beginning of the command',
  )
  assertSame([textAt(branch, 'path'), textAt(branch, 'sessionId'), client.project], argv.slice(4), 'what it is about')
  const said = await client.run(['import', textAt(branch, 'path')])
  if (!said.includes(`Imported session: ${textAt(branch, 'sessionId')}`)) throw new Error(`opencode import said ${shown(said)}`)
  return textAt(branch, 'sessionId')
}

/** The messages and parts of a session in the client's own database, by id, without the summary of changes that it writes into prompts later. */
export function rowsOf(database: string, sessionId: string): Readonly<Record<string, unknown>> {
  const open = new DatabaseSync(database, { readOnly: true })
  try {
    const rows = ['message', 'part'].flatMap((table) => open.prepare(`SELECT id, data FROM ${table} WHERE session_id = ?`).all(sessionId))
    return Object.fromEntries(
      rows.map(({ id, data }) => {
        const { summary, ...rest } = parsed(String(data))
        return [String(id), typeof summary === 'object' ? rest : { ...rest, ...(summary === undefined ? {} : { summary }) }]
      }),
    )
  } finally {
    open.close()
  }
}

function parsed(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new Error(`no object: ${shown(value)}`)
  return value
}
