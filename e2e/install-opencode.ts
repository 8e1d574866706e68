import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { namesIn } from './clients.ts'
import { assertSame } from './difference.ts'
import { keptOnce, withClient } from './install-kept.ts'
import { at, isRecord, jsonLines } from './json-value.ts'
import { installOpenCode, openCodeIn } from './opencode-client.ts'
import { imported, nextPrompt, notCompacting, rowsOf } from './opencode-steps.ts'
import { type Palimpsest, palimpsestIn } from './palimpsest.ts'
import { assertContinues, lastTurn } from './resumed-messages.ts'
import type { Course, Scenario } from './suite.ts'

type Client = { readonly folder: string }

/** OpenCode with palimpsest installed by its own command. */
export function installIntoOpenCode(course: Course): Promise<void> {
  return withClient<Client>(course, 'opencode', 'mock-models.mjs', installOpenCode, {
    'a compaction by hand': (scenario, client) => installed(scenario, client, 'manual'),
    'an automatic compaction': (scenario, client) => installed(scenario, client, 'auto-threshold'),
  })
}

async function installed(scenario: Scenario, { folder }: Client, reason: 'manual' | 'auto-threshold'): Promise<void> {
  const client = await openCodeIn(scenario, folder)
  const config = join(client.home, '.config/opencode/opencode.json')
  const before = await readFile(config, 'utf8')
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), client)
  await scenario.check('installing and uninstalling leaves opencode.json byte for byte as it was', async () => {
    await palimpsest.json('install', 'opencode', '--yes')
    await palimpsest.json('uninstall', 'opencode', '--yes')
    assertSame(before, await readFile(config, 'utf8'), 'opencode.json')
  })
  await palimpsest.json('install', 'opencode', '--yes')
  const server = await scenario.check('the client serves', () => client.start())
  const held = await scenario.check('the client holds a session with a tool and compacts it', async () => {
    const sessionId = await server.newSession()
    await server.prompt(sessionId, `one CALL:read ${JSON.stringify({ filePath: join(client.project, 'hello.txt') })}`)
    const rows = () => rowsOf(client.database, sessionId)
    const path = `${client.database}#${sessionId}`
    if (reason === 'manual') {
      const last = lastTurn(await server.prompt(sessionId, 'two'))
      const rowsBefore = rows()
      await server.compact(sessionId)
      return { path, last, rowsBefore }
    }
    const requests = await server.prompt(sessionId, 'two USAGE:195000')
    const at = requests.findIndex((request) => request.kind === 'compact')
    if (at === -1) throw new Error('the model was not asked for a summary')
    return { path, last: lastTurn(requests.slice(0, at)) }
  })
  const id = await keptOnce(scenario, palimpsest, { agent: 'opencode', home: client.home, path: held.path }, reason)
  if (held.rowsBefore !== undefined) {
    const { rowsBefore } = held
    await scenario.check('it holds the rows of the session as they were before the compaction', async () =>
      assertSame(rowsBefore, await storedRows(palimpsest, id), 'the rows'),
    )
  }
  await server.stop()
  const quiet = await scenario.check('the client serves, kept from compacting by itself', () => client.start(notCompacting))
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () =>
    assertContinues(held.last, await quiet.prompt(await imported(client, palimpsest, id), nextPrompt), nextPrompt),
  )
  await scenario.check('a restore in place is refused', async () => {
    assertSame('TARGET_REFUSED', (await palimpsest.refusal('restore', id, '--in-place', '--force')).code, 'the refusal')
  })
  await quiet.stop()
  await scenario.check(
    'uninstall leaves nothing in opencode.json but what the client itself has put in, and takes the plugin away',
    async () => {
      await palimpsest.json('uninstall', 'opencode', '--yes')
      // The client was seen to put its schema in where there is none.
      const own = before.replace(/^\{/, '{\n  "$schema": "https://opencode.ai/config.json",')
      assertSame(own, await readFile(config, 'utf8'), 'opencode.json')
      assertSame([], await namesIn(join(client.home, '.config/opencode/plugin')), 'the plugins')
    },
  )
}

/** The messages and parts that a checkpoint holds, as `rowsOf` gives them. */
async function storedRows(palimpsest: Palimpsest, id: string): Promise<unknown> {
  const lines = jsonLines(await palimpsest.bytes('read', id, '--raw'))
  const rows = lines.filter((line) => isRecord(line) && (line['type'] === 'message' || line['type'] === 'part'))
  return Object.fromEntries(rows.map((row) => [String(at(row, 'id')), at(row, 'data')]))
}
