import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { installClaudeCode } from './claude-client.ts'
import { installCodex } from './codex-client.ts'
import { assertSame, assertSameBytes } from './difference.ts'
import { type HookProcess, isRunning, signal, watchesHooks, watchHooks } from './hook-processes.ts'
import { type HookedClient, type HookedClientOf, hookedClaude, hookedCodex, type TakenBack } from './hooked-clients.ts'
import { kept, ofCompactions, restoredAndUndone, withClient } from './install-kept.ts'
import { at, listAt, shown, textAt } from './json-value.ts'
import { scanned, scannedOnce, storeUrlOf } from './palimpsest.ts'
import type { Scenario, Suite } from './suite.ts'

type Client = { readonly program: string }

/** Hooks that run twice in a session, are killed, or run into their time limit: no compaction is lost, and none is kept twice. */
export const hooks: Suite = {
  name: 'hooks',
  run: async (course) => {
    if (!watchesHooks) {
      course.skip('all scenarios', 'the processes of hooks are watched in /proc')
      return
    }
    await withClient<Client>(course, 'claude-code', 'mock-anthropic-messages.mjs', installClaudeCode, scenariosOf(hookedClaude))
    await withClient<Client>(course, 'codex', 'mock-openai-responses.mjs', () => installCodex('0.169.0'), scenariosOf(hookedCodex))
  },
}

function scenariosOf(set: HookedClientOf): Readonly<Record<string, (scenario: Scenario, client: Client) => Promise<void>>> {
  return {
    'two compactions, each taken back': async (scenario, { program }) => twice(scenario, await set(scenario, program)),
    'every hook of a compaction killed': async (scenario, { program }) => allKilled(scenario, await set(scenario, program)),
    'the hook before a compaction killed while it writes': async (scenario, { program }) =>
      killedWhileWriting(scenario, await set(scenario, program)),
    'every hook of a compaction over its time limit': async (scenario, { program }) => timedOut(scenario, await set(scenario, program)),
  }
}

async function twice(scenario: Scenario, client: HookedClient): Promise<void> {
  const compactions = await scenario.check('the client compacts a session twice', async () => {
    await client.begin()
    return [await client.compact(), await client.compact()]
  })
  const path = await client.path()
  const reason = client.agent === 'codex' ? 'auto-threshold' : 'manual'
  const ids = await kept(scenario, client.palimpsest, { agent: client.agent, home: client.home, path }, [reason, reason])
  for (const [index, takenBack] of compactions.entries()) {
    const id = ids[index] ?? ''
    await scenario.check(`compaction ${index + 1}: its bytes are those before its boundary`, async () =>
      assertSameBytes(await client.bytesBefore(index), await client.palimpsest.bytes('read', id, '--raw'), 'read --raw'),
    )
    await scenario.check(`compaction ${index + 1}: a branch resumes with exactly what the model was sent before it`, () =>
      takenBack.inBranch(id),
    )
    await restoredAndUndone(scenario, client.palimpsest, { path, id, which: `compaction ${index + 1}` }, () => takenBack.inPlace())
  }
}

async function allKilled(scenario: Scenario, client: HookedClient): Promise<void> {
  await foundByScan(scenario, client, 'every hook of it killed as it starts', (hook) => signal(hook, 'SIGKILL'))
}

async function timedOut(scenario: Scenario, client: HookedClient): Promise<void> {
  await client.limitHooks(2)
  const store = storeUrlOf(join(scenario.folder, 'store'))
  const stopped: HookProcess[] = []
  scenario.afterwards(async () => {
    for (const hook of stopped) if (isRunning(hook, store)) signal(hook, 'SIGKILL')
  })
  // A process that is stopped gets nothing done: so the client finds a hook that does not end.
  await foundByScan(scenario, client, 'no hook of it getting on', (hook) => {
    stopped.push(hook)
    signal(hook, 'SIGSTOP')
  })
  await scenario.also('the client has killed the hooks itself', () => {
    const running = stopped.filter((hook) => isRunning(hook, store))
    if (running.length > 0) throw new Error(`${shown(running)} are still there`)
  })
}

/** Holds a session whose compaction `fault` keeps the hooks from, and finds it by a scan. */
async function foundByScan(scenario: Scenario, client: HookedClient, how: string, fault: (hook: HookProcess) => void): Promise<void> {
  await scenario.check('the client holds a session', () => client.begin())
  const takenBack = await scenario.check(`the client compacts it with ${how}, and goes on`, async () => {
    const watch = watchHooks(storeUrlOf(join(scenario.folder, 'store')), fault)
    try {
      const check = await client.compact()
      const events = new Set(watch.seen.map(({ event }) => event))
      for (const event of ['PreCompact', 'PostCompact', 'SessionStart'])
        if (!events.has(event)) throw new Error(`no ${event} was met, only ${[...events].join(', ')}`)
      return check
    } finally {
      watch.stop()
    }
  })
  await scenario.check('no hook has kept the compaction', async () =>
    assertSame([], await ofCompactions(client.palimpsest, client.agent), 'the checkpoints of compactions'),
  )
  await wholeAndResumed(
    scenario,
    client,
    await scenario.check('the next scan finds it', async () => scannedOnce(client.palimpsest, await client.path())),
    takenBack,
  )
}

async function killedWhileWriting(scenario: Scenario, client: HookedClient): Promise<void> {
  const folder = join(scenario.folder, 'store')
  const killed: string[] = []
  const watch = watchHooks(storeUrlOf(folder), (hook) => {
    // Those before it, so that it is the first to write.
    if (killed.includes('PreCompact')) return
    if (hook.event !== 'PreCompact') return signal(hook, 'SIGKILL')
    const timer = setInterval(() => {
      if (!existsSync(folder)) return
      clearInterval(timer)
      signal(hook, 'SIGKILL')
      killed.push(hook.event)
    }, 1)
  })
  scenario.afterwards(async () => watch.stop())
  await scenario.check('the client holds a session', () => client.begin())
  const takenBack = await scenario.check('the client compacts it, the hook before that killed once the store is there', async () => {
    const check = await client.compact()
    assertSame(['PreCompact'], killed, 'what was killed while it wrote')
    return check
  })
  const id = await scenario.check('the hooks behind it have kept the compaction, without a scan', async () => {
    const found = await ofCompactions(client.palimpsest, client.agent)
    assertSame(1, found.length, `the number of checkpoints (${shown(found, 900)})`)
    return textAt(found[0], 'id')
  })
  await scenario.check('a scan finds the same', async () =>
    assertSame([id], await scanned(client.palimpsest, await client.path()), 'the checkpoints'),
  )
  await wholeAndResumed(scenario, client, id, takenBack)
}

async function wholeAndResumed(scenario: Scenario, client: HookedClient, id: string, takenBack: TakenBack): Promise<void> {
  await scenario.check('its bytes are those before the boundary', async () =>
    assertSameBytes(await client.bytesBefore(0), await client.palimpsest.bytes('read', id, '--raw'), 'read --raw'),
  )
  await scenario.check('nothing in the store is damaged', async () =>
    assertSame([], listAt(await client.palimpsest.json('verify'), 'damaged'), 'what is damaged'),
  )
  await scenario.check('a branch resumes with exactly what the model was sent before the compaction', () => takenBack.inBranch(id))
  await scenario.check('there is one checkpoint of the compaction', async () => {
    const ids = (await ofCompactions(client.palimpsest, client.agent)).map((checkpoint) => at(checkpoint, 'id'))
    assertSame([id], ids, 'the checkpoints')
  })
}
