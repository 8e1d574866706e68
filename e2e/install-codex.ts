import { appendFile, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { boundariesOf, codexIn, installCodex } from './codex-client.ts'
import { assertContinues, branched, firstPrompt, fullPrompt, nextPrompt, summaryRequest } from './codex-steps.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { assertTold, keptOnce, ofCompactions, restoredAndUndone, withClient } from './install-kept.ts'
import { at, listAt, textAt } from './json-value.ts'
import { palimpsestIn } from './palimpsest.ts'
import type { Course, Scenario } from './suite.ts'

/** Codex with palimpsest installed by its own command. */
export function installIntoCodex(course: Course): Promise<void> {
  return withClient(course, 'codex', 'mock-openai-responses.mjs', () => installCodex('0.169.0'), {
    'an automatic compaction': automatic,
    'hooks that the user trusts': trusted,
  })
}

async function automatic(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  // Hooks of nobody, so that the client is started without asking for trust.
  const client = await codexIn(scenario, program, { hooks: {} })
  const config = join(client.codexHome, 'config.toml')
  const before = await readFile(config, 'utf8')
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  await palimpsest.json('install', 'codex', '--yes')
  await scenario.check('doctor says that the hooks are not trusted yet', async () => {
    const trust = listAt(await palimpsest.json('doctor'), 'findings').filter((finding) => at(finding, 'check') === 'trust')
    assertSame(
      ['codex'],
      trust.map((finding) => at(finding, 'mend')),
      'what mends it',
    )
  })
  const { sessionId, path, requests } = await scenario.check('the client compacts a session within a turn', async () => {
    const held = await client.prompt(firstPrompt)
    const turn = await client.prompt(fullPrompt, 'resume', held.sessionId)
    return { sessionId: held.sessionId, path: await client.rollout(held.sessionId), requests: turn.requests }
  })
  const id = await keptOnce(scenario, palimpsest, { agent: 'codex', home: client.home, path }, 'auto-threshold')
  await scenario.check('its bytes are those before the compaction', async () => {
    const [boundary] = await boundariesOf(path)
    assertSameBytes((await readFile(path)).subarray(0, boundary), await palimpsest.bytes('read', id, '--raw'), 'read --raw')
  })
  await scenario.also('the model is told which checkpoint holds what it forgot', () => assertTold(requests, id))
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', async () => {
    const resumed = await client.prompt(nextPrompt, 'resume', (await branched(palimpsest, id)).sessionId)
    assertContinues(summaryRequest(requests), resumed.requests)
  })
  await restoredAndUndone(scenario, palimpsest, { path, id }, async () =>
    assertContinues(summaryRequest(requests), (await client.prompt(nextPrompt, 'resume', sessionId)).requests),
  )
  await scenario.check('uninstall gives config.toml back byte for byte', async () => {
    await palimpsest.json('uninstall', 'codex', '--yes')
    assertSame(before, await readFile(config, 'utf8'), 'config.toml')
  })
}

async function trusted(scenario: Scenario, { program }: { readonly program: string }): Promise<void> {
  const client = await codexIn(scenario, program)
  const config = join(client.codexHome, 'config.toml')
  const before = await readFile(config, 'utf8')
  const palimpsest = await palimpsestIn(join(scenario.folder, 'store'), { home: client.home, env: client.env })
  await palimpsest.json('install', 'codex', '--yes')
  const sessionId = await scenario.check('hooks that are not trusted are passed over in silence', async () => {
    const held = await client.prompt(firstPrompt)
    await client.prompt(fullPrompt, 'resume', held.sessionId)
    assertSame([], await ofCompactions(palimpsest, 'codex'), 'the checkpoints')
    return held.sessionId
  })
  const trust = await scenario.check('trusted by the digests that the client itself gives, doctor has nothing against them', async () => {
    const listed = await client.serve((call) => call('hooks/list', { cwds: [client.home] }))
    const hooks = listAt(listAt(listed, 'data')[0], 'hooks')
    assertSame(4, hooks.length, 'the number of hooks')
    const said = hooks.map(
      (hook) => `\n[hooks.state.${JSON.stringify(textAt(hook, 'key'))}]\ntrusted_hash = "${textAt(hook, 'currentHash')}"\n`,
    )
    await appendFile(config, said.join(''))
    const findings = listAt(await palimpsest.json('doctor'), 'findings').filter((finding) => at(finding, 'check') === 'trust')
    assertSame([], findings, 'the findings')
    return said.join('')
  })
  await scenario.check('the next compaction is captured by the hook, and the one that was missed is imported with it', async () => {
    await client.prompt(fullPrompt, 'resume', sessionId)
    const origins = (await ofCompactions(palimpsest, 'codex')).map((checkpoint) => at(checkpoint, 'origin'))
    assertSame(['import', 'capture'], origins, 'the origins')
  })
  await scenario.check('uninstall leaves all but its own, the trust that the user gave too', async () => {
    await palimpsest.json('uninstall', 'codex', '--yes')
    assertSame(`${before}${trust}`, await readFile(config, 'utf8'), 'config.toml')
  })
}
