import { randomUUID } from 'node:crypto'
import { readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { exists, namesIn } from './clients.ts'
import { type CopilotClient, copilotIn, installCopilot } from './copilot-client.ts'
import { assertAnsweredAndPrompted, branched, compacted, firstPrompt, linesOf, long, resumed } from './copilot-steps.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { keptOnce, restoredAndUndone, withClient } from './install-kept.ts'
import { palimpsestIn } from './palimpsest.ts'
import { lastTurn } from './resumed-messages.ts'
import type { ModelRequest } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

type Client = { readonly program: string }

/** Copilot CLI with palimpsest installed by its own command. */
export function installIntoCopilot(course: Course): Promise<void> {
  return withClient<Client>(course, 'copilot', 'mock-models.mjs', installCopilot, {
    'a compaction by hand': (scenario, client) => installed(scenario, client, 'manual'),
    'an automatic compaction': (scenario, client) => installed(scenario, client, 'auto-threshold'),
  })
}

async function installed(scenario: Scenario, { program }: Client, reason: 'manual' | 'auto-threshold'): Promise<void> {
  const client = await copilotIn(scenario, program)
  const hooks = join(client.home, '.copilot/hooks')
  await rm(join(hooks, 'capture.json'))
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
  await palimpsest.json('install', 'copilot', '--yes')
  const sessionId = randomUUID()
  const resume = [`--resume=${sessionId}`]
  const before = await scenario.check('the client holds a session and compacts it', () =>
    reason === 'manual' ? heldAndCompacted(client, sessionId) : heldAndOverfilled(client, sessionId),
  )
  const path = client.events(sessionId)
  const id = await keptOnce(scenario, palimpsest, { agent: 'copilot', home: client.home, path }, reason)
  await scenario.check('its bytes are those before the compaction was applied', async () => {
    const events = await readFile(path)
    assertSameBytes(events.subarray(0, linesOf(events, 'complete')[0]), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  const words = reason === 'manual' ? [] : ['--drop-unanswered']
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const branch = await branched(palimpsest, id, ...words)
    assertAnsweredAndPrompted(await resumed(client, branch.resume, before))
  })
  // A restore in place keeps the unanswered prompt, over which the client would compact again.
  if (reason === 'manual')
    await restoredAndUndone(scenario, palimpsest, { path, id }, async () =>
      assertAnsweredAndPrompted(await resumed(client, resume, before)),
    )
  await scenario.check('uninstall takes both files away', async () => {
    await palimpsest.json('uninstall', 'copilot', '--yes')
    assertSame([], await namesIn(hooks), 'the hooks')
    assertSame(false, await exists(join(client.home, '.copilot/mcp-config.json')), 'whether mcp-config.json is there')
  })
}

async function heldAndCompacted(client: CopilotClient, sessionId: string): Promise<ModelRequest> {
  const resume = [`--resume=${sessionId}`]
  await client.prompt(firstPrompt, ['--session-id', sessionId])
  const before = lastTurn(await client.prompt('two, hello', resume))
  await compacted(client, resume)
  // `/compact` on the command line runs no other hook; the next prompt does.
  await client.prompt('three, hello', resume)
  return before
}

async function heldAndOverfilled(client: CopilotClient, sessionId: string): Promise<ModelRequest> {
  const resume = [`--resume=${sessionId}`]
  await client.prompt(long('one'), ['--session-id', sessionId])
  const before = lastTurn(await client.prompt(long('two'), resume))
  await client.prompt(`${long('three')} CALL:bash {"command":"sleep 5","description":"wait"}`, resume)
  return before
}
