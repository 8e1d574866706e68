import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assertSame } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { installCapturePlugin, installOpenCode, type OpenCode, openCodeIn } from './opencode-client.ts'
import { importDocument, imported, nextPrompt, notCompacting } from './opencode-steps.ts'
import { palimpsestCommand, palimpsestIn, scanned, scannedOnce, shownCheckpoint, storeUrlOf } from './palimpsest.ts'
import { assertContinues, lastTurn } from './resumed-messages.ts'
import { missingTool } from './stand-ins.ts'
import type { Course, Scenario, Suite } from './suite.ts'

/** OpenCode: what its model is sent after a branch is imported is what it was sent before the compaction. */
export const openCode: Suite = {
  name: 'opencode',
  run: async (course) => {
    const missing = await missingTool('mock-models.mjs')
    const client = missing === undefined ? await installOpenCode() : { missing }
    if ('missing' in client) {
      course.skip('all scenarios', client.missing)
      return
    }
    await scenarios(course, client.folder)
  },
}

async function scenarios(course: Course, client: string): Promise<void> {
  await course.scenario('compacted by hand twice, captured by a plugin', (scenario) => compactedByHand(scenario, client))
  await course.scenario('compacted automatically', (scenario) => compactedAutomatically(scenario, client))
  await course.scenario('compacted with a tail that is kept', (scenario) => compactedWithTail(scenario, client))
}

async function compactedByHand(scenario: Scenario, clientFolder: string): Promise<void> {
  const client = await openCodeIn(scenario, clientFolder)
  const store = join(scenario.folder, 'store')
  const log = join(scenario.folder, 'plugin.jsonl')
  await installCapturePlugin(client)
  const plugged = { E2E_COMMAND: palimpsestCommand, E2E_LOG: log, E2E_DATABASE: client.database, PALIMPSEST_STORE: storeUrlOf(store) }
  const server = await scenario.check('the client serves', () => client.start(plugged))
  const held = await scenario.check('it holds a session with a tool, compacts it, goes on and compacts again', async () => {
    const sessionId = await server.newSession()
    await server.prompt(sessionId, 'one')
    const first = lastTurn(
      await server.prompt(sessionId, `two CALL:read ${JSON.stringify({ filePath: join(client.project, 'hello.txt') })}`),
    )
    await server.compact(sessionId)
    const second = lastTurn(await server.prompt(sessionId, 'three'))
    await server.compact(sessionId)
    return { sessionId, first, second, path: `${client.database}#${sessionId}` }
  })
  const palimpsest = await palimpsestIn(store, client)
  const captured = await scenario.check('the plugin captured before both', async () => {
    const runs = jsonLines(await readFile(log))
    assertSame(
      [0, 0],
      runs.map((run) => at(run, 'status')),
      `what the captures exited with (${shown(runs, 900)})`,
    )
    return runs.map((run) => textAt(JSON.parse(textAt(run, 'stdout')), 'checkpoint', 'id'))
  })
  const [first, second] = await scenario.check('a scan completes these checkpoints and makes no others', async () => {
    const ids = await scanned(palimpsest, held.path)
    assertSame(captured, ids, 'the checkpoints')
    for (const id of ids) {
      const checkpoint = await shownCheckpoint(palimpsest, id)
      assertSame(['complete', 'manual'], [at(checkpoint, 'status'), at(checkpoint, 'reason')], 'status and reason')
      if (!textAt(checkpoint, 'summary').includes('Mock summary')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
    }
    return [ids[0] ?? '', ids[1] ?? '']
  })
  await scenario.check('a branch of the first is imported and sends exactly what the model was sent before it', async () =>
    assertContinues(held.first, await server.prompt(await imported(client, palimpsest, first), nextPrompt), nextPrompt),
  )
  const branchOfSecond = await scenario.check('so does a branch of the second, with the first summary in it', async () => {
    const sessionId = await imported(client, palimpsest, second)
    const requests = await server.prompt(sessionId, nextPrompt)
    if (!JSON.stringify(held.second.messages).includes('Mock summary')) throw new Error('the request to compare with has no summary')
    assertContinues(held.second, requests, nextPrompt)
    return sessionId
  })
  await scenario.check('the compaction that the branch began with is not kept a second time', async () => {
    assertSame([], await scanned(palimpsest, `${client.database}#${branchOfSecond}`), 'the checkpoints of the branch')
  })
  await scenario.check('importing the same document again changes nothing', async () => {
    const branch = await palimpsest.json('branch', first)
    for (let times = 0; times < 2; times++) await importDocument(client, branch)
    assertContinues(held.first, await server.prompt(textAt(branch, 'sessionId'), nextPrompt), nextPrompt)
  })
  await scenario.check('restore in place is refused', async () => {
    assertSame({ code: 'TARGET_REFUSED', status: 6 }, await palimpsest.refusal('restore', first, '--in-place', '--force'), 'the refusal')
  })
  await scenario.check('the client itself resumes an imported branch from the command line', async () => {
    const sessionId = await imported(client, palimpsest, first)
    const answer = await client.run(['run', '--session', sessionId, nextPrompt])
    if (!answer.includes('Mock reply')) throw new Error(`it printed ${shown(answer)}`)
  })
  await scenario.check('the comparison can fail: the compacted session sends the summary instead', async () => {
    const requests = await server.prompt(held.sessionId, nextPrompt)
    let same = true
    try {
      assertContinues(held.first, requests, nextPrompt)
    } catch {
      same = false
    }
    assertSame(false, same, 'whether the comparison finds them equal')
  })
  await server.stop()
  await scenario.check('a scan leaves the database and its log as they are', async () => {
    const before = await digestsOf(client)
    assertSame(captured, await scanned(palimpsest, held.path), 'the checkpoints')
    assertSame(before, await digestsOf(client), 'the database and its log before and after the scan')
  })
}

async function compactedAutomatically(scenario: Scenario, clientFolder: string): Promise<void> {
  const client = await openCodeIn(scenario, clientFolder)
  const server = await scenario.check('the client serves', () => client.start())
  const held = await scenario.check('it compacts by itself when the context is full', async () => {
    const sessionId = await server.newSession()
    await server.prompt(sessionId, 'one')
    const requests = await server.prompt(sessionId, 'two USAGE:195000')
    const at = requests.findIndex((request) => request.kind === 'compact')
    if (at === -1) throw new Error(`the model was not asked for a summary: ${requests.map((request) => request.kind).join(', ')}`)
    return { before: lastTurn(requests.slice(0, at)), path: `${client.database}#${sessionId}` }
  })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), client)
  const id = await scenario.check('scan finds it, with its reason and tokens', async () => {
    const found = await scannedOnce(palimpsest, held.path)
    const checkpoint = await shownCheckpoint(palimpsest, found)
    assertSame(['auto-threshold', 195_020], [at(checkpoint, 'reason'), at(checkpoint, 'tokensBefore')], 'reason and tokens before')
    return found
  })
  const sessionId = await scenario.check('a branch is imported, and warns of what will happen', async () => {
    const branch = await palimpsest.json('branch', id)
    const warnings = shown(listAt(branch, 'warnings'), 2000)
    if (!warnings.includes('OPENCODE_CONFIG_CONTENT')) throw new Error(`the warnings are ${warnings}`)
    return importDocument(client, branch)
  })
  await scenario.check('the warning is true: the client compacts it before it answers', async () => {
    const again = await importDocument(client, await palimpsest.json('branch', id))
    const requests = (await server.prompt(again, nextPrompt)).filter((request) => request.kind !== 'other')
    assertSame('compact', requests[0]?.kind, 'the first request of a resume that is allowed to compact')
  })
  await server.stop()
  await scenario.check('with the setting it names, the model is sent exactly what it was sent before', async () => {
    const quiet = await client.start(notCompacting)
    assertContinues(held.before, await quiet.prompt(sessionId, nextPrompt), nextPrompt)
  })
}

async function compactedWithTail(scenario: Scenario, clientFolder: string): Promise<void> {
  const client = await openCodeIn(scenario, clientFolder)
  await client.configure({ compaction: { tail_turns: 1, preserve_recent_tokens: 2_000 } })
  const server = await scenario.check('the client serves', () => client.start())
  const held = await scenario.check('it keeps the last turn in a compaction, goes on and compacts again', async () => {
    const sessionId = await server.newSession()
    for (const prompt of ['one', 'two', 'three, which is kept']) await server.prompt(sessionId, prompt)
    await server.compact(sessionId)
    const before = lastTurn(await server.prompt(sessionId, 'four'))
    if (!JSON.stringify(before.messages).includes('three, which is kept'))
      throw new Error(`no tail was kept: ${shown(before.messages, 900)}`)
    await server.compact(sessionId)
    return { before, path: `${client.database}#${sessionId}` }
  })
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), client)
  const ids = await scenario.check('scan finds both', async () => {
    const found = await scanned(palimpsest, held.path)
    assertSame(2, found.length, 'checkpoints')
    return found
  })
  await scenario.check('the view of what the model saw has the summary, the tail and what came after it, in that order', async () => {
    const page = await palimpsest.json('read', ids[1] ?? '', '--view', 'context')
    const texts = listAt(page, 'entries').map((entry) => textAt(entry, 'text'))
    assertSame(5, texts.length, `entries (${shown(texts, 900)})`)
    const places = ['Mock summary', 'three, which is kept', 'four'].map((wanted) => texts.findIndex((text) => text.includes(wanted)))
    assertSame([0, 1, 3], places, 'where the summary, the tail and the next prompt stand')
  })
  await scenario.check('a branch of the second sends exactly that', async () =>
    assertContinues(held.before, await server.prompt(await imported(client, palimpsest, ids[1] ?? ''), nextPrompt), nextPrompt),
  )
}

async function digestsOf(client: OpenCode): Promise<readonly string[]> {
  const files = [client.database, `${client.database}-wal`]
  return Promise.all(
    files.map(async (file) =>
      createHash('sha256')
        .update(await readFile(file).catch(() => ''))
        .digest('hex'),
    ),
  )
}
