import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { assertSame, assertSameBytes } from './difference.ts'
import { geminiIn, installGemini } from './gemini-client.ts'
import { assertCalledAndPrompted, boundaryOf, heldAndCompacted, resumed } from './gemini-steps.ts'
import { keptOnce, restoredAndUndone, withClient } from './install-kept.ts'
import { jsonLines, listAt, textAt } from './json-value.ts'
import { palimpsestIn } from './palimpsest.ts'
import type { Course, Scenario } from './suite.ts'

/** Gemini CLI with palimpsest installed by its own command. */
export function installIntoGemini(course: Course): Promise<void> {
  return withClient(course, 'gemini', 'mock-models.mjs', installGemini, { 'an automatic compaction': automatic })
}

async function automatic(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  const client = await geminiIn(scenario, program)
  const settings = join(client.home, '.gemini/settings.json')
  const { hooks: _hooks, ...own } = JSON.parse(await readFile(settings, 'utf8'))
  await writeFile(settings, `// by hand\n${JSON.stringify(own, undefined, 4)}\n`)
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home })
  await palimpsest.json('install', 'gemini', '--yes')
  const { path, before } = await scenario.check('the client holds a session with tools, and compacts it when the context is full', () =>
    heldAndCompacted(client),
  )
  const id = await keptOnce(scenario, palimpsest, { agent: 'gemini', home: client.home, path }, 'auto-threshold')
  await scenario.check('its bytes are those before the compaction', async () => {
    const log = await readFile(path)
    assertSameBytes(log.subarray(0, boundaryOf(log)), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const branch = await palimpsest.json('branch', id)
    const words = listAt(branch, 'resumeArgv').map((_, index) => textAt(branch, 'resumeArgv', index))
    assertCalledAndPrompted(await resumed(client, words.slice(1), before))
  })
  await restoredAndUndone(scenario, palimpsest, { path, id }, async () => {
    const sessionId = textAt(jsonLines(await readFile(path))[0], 'sessionId')
    assertCalledAndPrompted(await resumed(client, ['--resume', sessionId], before))
  })
  await scenario.check('uninstall leaves nothing in settings.json but what the client itself has made of it', async () => {
    await palimpsest.json('uninstall', 'gemini', '--yes')
    const after = await readFile(settings, 'utf8')
    if (!after.startsWith('// by hand\n') || after.includes('palimpsest')) throw new Error(after)
    const names = Object.keys(JSON.parse(after.slice(after.indexOf('\n'))))
    assertSame(Object.keys(own), names, 'what is set')
  })
}
