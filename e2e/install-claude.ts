import { randomUUID } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boundariesOf, type ClaudeClient, claudeIn, installClaudeCode } from './claude-client.ts'
import { branched, heldAndCompacted, heldAndOverfilled, nextPrompt, noAutoCompact, palimpsestOf, resumed } from './claude-steps.ts'
import { exists } from './clients.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, isRecord, listAt, shown, textAt } from './json-value.ts'
import type { Palimpsest } from './palimpsest.ts'
import { emptyEnvironment } from './places.ts'
import { lastLines, run } from './processes.ts'
import { assertOnlyPrompt } from './resumed-messages.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

/** As a person writes it: the last value has a hook of their own. */
const ownSettings = `{
    "cleanupPeriodDays": 365,
    "hooks": {
        "SessionEnd": [{ "hooks": [{ "type": "command", "command": "true" }] }]
    }
}
`

/** Claude Code with palimpsest installed by its own command: the checkpoint of every compaction is there without a scan. */
export async function installClaude(course: Course): Promise<void> {
  const missing = await missingTool('mock-anthropic-messages.mjs')
  const client = missing === undefined ? await installClaudeCode() : { missing }
  if ('missing' in client) {
    course.skip('claude-code', client.missing)
    return
  }
  await course.scenario('claude-code, a compaction by hand', (scenario) => installed(scenario, client.program, 'manual'))
  await course.scenario('claude-code, an automatic compaction', (scenario) => installed(scenario, client.program, 'auto-threshold'))
  await course.scenario('claude-code, as a plugin', (scenario) => asPlugin(scenario, client.program))
}

async function installed(scenario: Scenario, program: string, reason: 'manual' | 'auto-threshold'): Promise<void> {
  const client = await claudeIn(scenario, program)
  const settings = join(client.home, '.claude/settings.json')
  const state = join(client.home, '.claude/.claude.json')
  await writeFile(settings, ownSettings)
  await scenario.check('the client has been used before', async () => {
    await client.prompt('before [[say BEFORE]]', ['--session-id', randomUUID()])
    if (!(await exists(state))) throw new Error(`the client has written no ${state}`)
  })
  const palimpsest = await palimpsestOf(scenario, client)
  const stateBefore = await readFile(state)
  await scenario.check('installing and uninstalling leaves both files byte for byte as they were', async () => {
    await palimpsest.json('install', 'claude-code', '--yes')
    await palimpsest.json('uninstall', 'claude-code', '--yes')
    assertSame(ownSettings, await readFile(settings, 'utf8'), 'settings.json')
    assertSameBytes(stateBefore, await readFile(state), '.claude.json')
  })
  await scenario.check('the client connects to the MCP server that install wrote', async () => {
    await palimpsest.json('install', 'claude-code', '--yes')
    const { stdout, stderr } = await run([program, 'mcp', 'list'], {
      cwd: client.project,
      env: { ...emptyEnvironment(client.home), ...client.env },
      timeoutMs: 60_000,
    })
    if (!/palimpsest:.*Connected/.test(stdout.toString())) throw new Error(`claude mcp list says ${lastLines(stdout)} ${lastLines(stderr)}`)
  })
  await compactedAndKept(scenario, client, palimpsest, reason)
  await scenario.check(
    'uninstall leaves the settings as they were, and takes nothing but the server out of what the client has written',
    async () => {
      const { mcpServers: server, ...rest } = record(await readFile(state, 'utf8'))
      assertSame(['palimpsest'], Object.keys(server ?? {}), 'the MCP servers before')
      await palimpsest.json('uninstall', 'claude-code', '--yes')
      assertSame(ownSettings, await readFile(settings, 'utf8'), 'settings.json')
      const { mcpServers: servers = {}, ...after } = record(await readFile(state, 'utf8'))
      assertSame({}, servers, 'the MCP servers')
      assertSame(rest, after, 'the rest of .claude.json')
    },
  )
}

function record(text: string): Readonly<Record<string, unknown>> {
  const value: unknown = JSON.parse(text)
  if (!isRecord(value)) throw new Error(`no object: ${shown(value)}`)
  return value
}

async function asPlugin(scenario: Scenario, program: string): Promise<void> {
  const client = await claudeIn(scenario, program)
  const palimpsest = await palimpsestOf(scenario, client)
  const folder = join(scenario.folder, 'plugin')
  await palimpsest.json('install', 'claude-code', '--plugin', folder, '--yes')
  await scenario.check('claude plugin validate passes the plugin folder', async () => {
    const { status, stdout, stderr } = await run([program, 'plugin', 'validate', folder], {
      cwd: client.project,
      env: { ...emptyEnvironment(client.home), ...client.env },
      timeoutMs: 60_000,
    })
    if (status !== 0 || !stdout.toString().includes('Validation passed'))
      throw new Error(`it says ${lastLines(stdout)} ${lastLines(stderr)}`)
  })
  await compactedAndKept(scenario, client, palimpsest, 'manual', ['--plugin-dir', folder])
  await scenario.check('uninstall takes the folder away', async () => {
    await palimpsest.json('uninstall', 'claude-code', '--plugin', folder, '--yes')
    assertSame(false, await exists(folder), 'whether the folder is there')
  })
}

/** Holds a session with `words` for the client, has it compacted, and finds the checkpoint that the hooks made. */
async function compactedAndKept(
  scenario: Scenario,
  bare: ClaudeClient,
  palimpsest: Palimpsest,
  reason: 'manual' | 'auto-threshold',
  more: readonly string[] = [],
): Promise<void> {
  const client: ClaudeClient = { ...bare, prompt: (text, words, env) => bare.prompt(text, [...words, ...more], env) }
  const sessionId = randomUUID()
  const { path, before } = await scenario.check('the client holds a session with tools and compacts it', () =>
    reason === 'manual' ? heldAndCompacted(client, sessionId) : heldAndOverfilled(client, sessionId),
  )
  const log = join(client.home, '.local/state/palimpsest/hook.log')
  await scenario.also('no hook has logged a problem', async () => {
    if (await exists(log)) throw new Error(await readFile(log, 'utf8'))
  })
  const transcript = await readFile(path)
  const [boundary] = await boundariesOf(path)
  const id = await scenario.check('the checkpoint is there without a scan, complete', async () => {
    const { checkpoints, ids } = await ofCompactions(palimpsest, sessionId)
    if (checkpoints.length !== 1) throw new Error(`expected one checkpoint, found ${shown(checkpoints, 900)}`)
    assertSame(['complete', reason], [at(checkpoints[0], 'status'), at(checkpoints[0], 'reason')], 'status and reason')
    if (!textAt(checkpoints[0], 'summary').includes('MOCK-SUMMARY'))
      throw new Error(`the summary is ${shown(at(checkpoints[0], 'summary'))}`)
    return ids[0] ?? ''
  })
  await scenario.check('its bytes are those before the boundary', async () =>
    assertSameBytes(transcript.subarray(0, boundary?.start), await palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.check('the model is told which checkpoint holds what it forgot', async () => {
    const requests = await client.prompt('and now [[say NOW]]', ['--resume', sessionId], noAutoCompact)
    const told = announcement(requests)
    if (!told.includes(id)) throw new Error(`the model was told ${shown(told, 600)}`)
    if (told.length >= 480) throw new Error(`${told.length} characters`)
  })
  await scenario.also('a scan adds nothing', async () => {
    await palimpsest.json('scan', path)
    assertSame([id], (await ofCompactions(palimpsest, sessionId)).ids, 'the checkpoints')
  })
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const { resume } = await branched(palimpsest, id, '--drop-unanswered')
    assertOnlyPrompt(await resumed(client, resume, before, noAutoCompact), nextPrompt)
  })
}

async function ofCompactions(
  palimpsest: Palimpsest,
  sessionId: string,
): Promise<{ readonly checkpoints: readonly unknown[]; readonly ids: readonly string[] }> {
  const listed = listAt(await palimpsest.json('list', '--agent', 'claude-code', '--session-key', sessionId), 'checkpoints')
  const checkpoints = listed.filter((checkpoint) => at(checkpoint, 'reason') !== 'session-end')
  return { checkpoints, ids: checkpoints.map((checkpoint) => textAt(checkpoint, 'id')) }
}

/** What the hook has said, in what the model is sent. */
function announcement(requests: readonly ModelRequest[]): string {
  const texts = requests.flatMap(
    ({ messages }) => /Your context was just compacted\..*?instead of guessing\./.exec(JSON.stringify(messages))?.[0] ?? [],
  )
  return texts[0] ?? ''
}
