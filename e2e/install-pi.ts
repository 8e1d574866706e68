import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { exists } from './clients.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { at, jsonLines, listAt, shown, textAt } from './json-value.ts'
import { type Palimpsest, palimpsestIn } from './palimpsest.ts'
import { installPi, type PiProgram, piProgramIn } from './pi-client.ts'
import { compacting, firstPrompt, nextPrompt, notCompacting, resumeWords, secondPrompt, sessionFile } from './pi-turns.ts'
import { assertContinues, lastTurn } from './resumed-messages.ts'
import { type ModelRequest, missingTool } from './stand-ins.ts'
import type { Course, Scenario } from './suite.ts'

/** pi with palimpsest installed by its own command: its extension keeps the session before every compaction. */
export async function installIntoPi(course: Course): Promise<void> {
  const missing = await missingTool('mock-models.mjs')
  const client = missing === undefined ? await installPi() : { missing }
  if ('missing' in client) {
    course.skip('pi', client.missing)
    return
  }
  await course.scenario('pi, a compaction by hand', (scenario) => installed(scenario, client.folder, 'manual'))
  await course.scenario('pi, an automatic compaction', (scenario) => installed(scenario, client.folder, 'automatic'))
}

async function installed(scenario: Scenario, program: string, how: 'manual' | 'automatic'): Promise<void> {
  const pi = await piProgramIn(scenario, program)
  await pi.configure(compacting)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), pi)
  const extensions = join(pi.home, '.pi/agent/extensions')
  await palimpsest.json('install', 'pi', '--yes')
  const { path, before } = await scenario.check('the client holds a session with a tool and compacts it', () => compacted(pi, how))
  const log = join(pi.home, '.local/state/palimpsest/hook.log')
  await scenario.also('no hook has logged a problem', async () => {
    if (await exists(log)) throw new Error(await readFile(log, 'utf8'))
  })
  const id = await scenario.check('the checkpoint is there without a scan, complete', async () => {
    const found = await ofCompactions(palimpsest)
    const [checkpoint] = found
    if (found.length !== 1) throw new Error(`expected one checkpoint, found ${shown(found, 900)}`)
    assertSame('complete', at(checkpoint, 'status'), 'status')
    if (!textAt(checkpoint, 'summary').includes('Mock summary')) throw new Error(`the summary is ${shown(at(checkpoint, 'summary'))}`)
    return textAt(checkpoint, 'id')
  })
  await scenario.check('its bytes are those before the compaction', async () => {
    const transcript = await readFile(path)
    const index = jsonLines(transcript).findIndex((line) => at(line, 'type') === 'compaction')
    const start = transcript.toString('utf8').split('\n').slice(0, index).join('\n')
    assertSameBytes(Buffer.from(`${start}\n`), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.also('a scan adds nothing', async () => {
    await palimpsest.json('scan', path)
    const ids = (await ofCompactions(palimpsest)).map((checkpoint) => at(checkpoint, 'id'))
    assertSame([id], ids, 'the checkpoints')
  })
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    await pi.configure(notCompacting)
    assertContinues(before, await pi.prompt(nextPrompt, await resumeWords(palimpsest, id, path)), nextPrompt)
  })
  await scenario.check('uninstall takes the extension away', async () => {
    await palimpsest.json('uninstall', 'pi', '--yes')
    assertSame(false, await exists(extensions), 'whether its folder is there')
    assertSame(false, await exists(join(pi.home, '.pi/agent/mcp.json')), 'whether mcp.json is there')
  })
}

async function compacted(pi: PiProgram, how: 'manual' | 'automatic'): Promise<{ readonly path: string; readonly before: ModelRequest }> {
  await pi.prompt(firstPrompt, [])
  const path = await sessionFile(pi)
  if (how === 'automatic') {
    const requests = await pi.prompt(`${secondPrompt} USAGE:195000`, ['--session', path])
    if (!requests.some((request) => request.kind === 'compact')) throw new Error('the model was not asked for a summary')
    return { path, before: lastTurn(requests) }
  }
  const second = await pi.prompt(secondPrompt, ['--session', path])
  await pi.compact(['--session', path])
  return { path, before: lastTurn(second) }
}

async function ofCompactions(palimpsest: Palimpsest): Promise<readonly unknown[]> {
  const listed = listAt(await palimpsest.json('list', '--agent', 'pi'), 'checkpoints')
  return listed.filter((checkpoint) => at(checkpoint, 'reason') !== 'session-end')
}
