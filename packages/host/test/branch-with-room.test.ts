import { type BranchResult, type CompactionReason, createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { bytesTranscript, fileTranscript, nodeTranscriptFiles } from '@palimpsest/transcripts'
import { describe, expect, test } from 'vitest'
// @boundaries-ignore sessions made by hand are written once, beside the readers that read them
import * as claudeCode from '../../transcripts/test/claude-code-session.ts'
// @boundaries-ignore the same
import * as codex from '../../transcripts/test/codex-sessions.ts'
// @boundaries-ignore the same
import * as copilot from '../../transcripts/test/copilot-session.ts'
// @boundaries-ignore the same
import * as gemini from '../../transcripts/test/gemini-session.ts'
// @boundaries-ignore the same
import * as openCode from '../../transcripts/test/opencode-session.ts'
// @boundaries-ignore the same
import * as pi from '../../transcripts/test/pi-sessions.ts'
import { knownAgents } from '../src/agents.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

/** A session of an agent with turns of a prompt and an answer, by how many there are. */
interface Sample {
  readonly agent: string
  readonly path: string
  readonly session: (turns: number) => Uint8Array
  /** What stands in the context before the first turn. */
  readonly before: number
  /** The setting or command that keeps a branch from being compacted at once, as it must be said. */
  readonly whatKeepsItWhole: (home: string, branched: BranchResult) => string
}

const numbers = (turns: number) => Array.from({ length: turns }, (_, at) => at + 1)
const lines = (rows: readonly object[]) => Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(''))

const samples: readonly Sample[] = [
  {
    agent: 'pi',
    path: '/home/dev/.pi/agent/sessions/--home-dev-app--/2026-01-02T03-04-00-000Z_s1.jsonl',
    before: 0,
    whatKeepsItWhole: (home) => `put {"compaction":{"enabled":false}} into ${home}/.pi/agent/settings.json`,
    session: (turns) =>
      pi.bytesOf([
        pi.header(),
        ...numbers(turns).flatMap((n) => [pi.user(`u${n}`, n === 1 ? null : `a${n - 1}`), pi.assistant(`a${n}`, `u${n}`)]),
      ]),
  },
  {
    agent: 'openclaw',
    path: '/home/dev/.openclaw/agents/main/sessions/s1.jsonl',
    before: 0,
    whatKeepsItWhole: () => 'branch with --leave 30%',
    session: (turns) =>
      pi.bytesOf([
        pi.header(),
        ...numbers(turns).flatMap((n) => [pi.user(`u${n}`, n === 1 ? null : `a${n - 1}`), pi.assistant(`a${n}`, `u${n}`)]),
      ]),
  },
  {
    agent: 'claude-code',
    path: `/home/dev/.claude/projects/-home-dev-project/${claudeCode.sessionId}.jsonl`,
    before: 0,
    whatKeepsItWhole: (_home, { path }) => `DISABLE_AUTO_COMPACT=1 claude --resume ${path}`,
    session: (turns) =>
      claudeCode.jsonl(
        numbers(turns).flatMap((n) => [
          claudeCode.prompt(4 * n, n === 1 ? null : 4 * n - 1, `ask ${n}`),
          claudeCode.calls(4 * n + 1, 4 * n, `tool_${n}`),
          claudeCode.result(4 * n + 2, 4 * n + 1, `tool_${n}`, 'what the tool said'),
          claudeCode.says(4 * n + 3, 4 * n + 2, `Answer ${n}`),
        ]),
      ),
  },
  {
    agent: 'codex',
    path: codex.path,
    before: 0,
    whatKeepsItWhole: (_home, { sessionId }) =>
      `codex resume ${sessionId} -c model_context_window=TOKENS -c model_auto_compact_token_limit=TOKENS`,
    session: (turns) =>
      codex.jsonl([
        codex.meta(),
        ...numbers(turns).flatMap((n) => [
          codex.started(`turn-${n}`),
          codex.environment(`e${n}`),
          codex.user(`ask ${n}`, `u${n}`),
          codex.says(`answer ${n}`, `a${n}`),
          codex.completed(`turn-${n}`),
        ]),
      ]),
  },
  {
    agent: 'opencode',
    path: `/home/dev/.local/share/opencode/opencode.db#${openCode.sessionId}`,
    before: 0,
    whatKeepsItWhole: () => `set OPENCODE_CONFIG_CONTENT='{"compaction":{"auto":false}}'`,
    session: (turns) =>
      Buffer.from(
        openCode.linesOf([
          openCode.header(),
          ...numbers(turns).flatMap((n) => [
            ...openCode.prompt(0x100 * n, `ask ${n}`),
            ...openCode.answer(0x100 * n + 0x10, 0x100 * n, [openCode.ran('read', 'content'), openCode.says(`answer ${n}`)]),
          ]),
        ]),
      ),
  },
  {
    agent: 'gemini',
    path: gemini.path,
    before: 1,
    whatKeepsItWhole: (home) => `put {"model":{"compressionThreshold":1}} into ${home}/.gemini/settings.json`,
    session: (turns) =>
      lines([
        gemini.metadata(),
        gemini.list(gemini.context()),
        ...numbers(turns).flatMap((n) => [gemini.user(`u${n}`), gemini.touched(), gemini.gemini(`g${n}`)]),
      ]),
  },
  {
    agent: 'copilot',
    path: copilot.path,
    before: 0,
    whatKeepsItWhole: () => 'Branch with --leave 30%',
    session: (turns) =>
      lines([
        copilot.start(),
        ...numbers(turns).flatMap((n) => [copilot.user(`u${n}`, n === 1 ? 'start' : `a${n - 1}`), copilot.assistant(`a${n}`, `u${n}`)]),
      ]),
  },
]

async function captured({ agent, path, session }: Sample, turns: number, reason: CompactionReason = 'auto-threshold') {
  const home = await temporaryFolder()
  const storage = createMemoryStorage()
  const { readers } = knownAgents({}, home)
  const service = createCheckpoints({ storage, readers, files: nodeTranscriptFiles() })
  const capture = async (count: number) => {
    const transcript = bytesTranscript({ main: session(count) }, { path })
    const { checkpoint } = await service.capture({ agent, transcript, reason, tokensBefore: 10_000 })
    return checkpoint.id
  }
  const id = await capture(turns)
  const texts = async (of: string) => (await service.read(of, { limit: 1000 })).entries.map((entry) => entry.text)
  const textsOfFile = async (file: string) => {
    const other = createCheckpoints({ storage: createMemoryStorage(), readers, files: nodeTranscriptFiles() })
    await other.capture({ agent, transcript: fileTranscript(file), reason: 'requested' })
    return (await other.read('latest', { limit: 1000 })).entries.map((entry) => entry.text)
  }
  return { home, service, id, texts, textsOfFile }
}

describe.each(samples)('a branch of $agent', (sample) => {
  test('from before the last turn has every turn but that one', async () => {
    const { home, service, id, texts, textsOfFile } = await captured(sample, 4)
    const whole = await texts(id)
    const branched = await service.branch(id, { to: home, beforeTurn: true })
    const kept = await textsOfFile(branched.path)
    expect(kept).toEqual(whole.slice(0, kept.length))
    expect(kept).toHaveLength(sample.before + ((whole.length - sample.before) * 3) / 4)
    expect(branched.warnings.join()).toMatch(/compact|room/i)
  })

  test.each(['auto-threshold', 'overflow-retry', 'timeout-retry', 'unknown'] as const)(
    'after a compaction for %s says what keeps it from being compacted again at once',
    async (reason) => {
      const { home, service, id } = await captured(sample, 2, reason)
      const branched = await service.branch(id, { to: home })
      const said = branched.warnings.filter((warning) => warning.includes(sample.whatKeepsItWhole(home, branched)))
      expect(said).toHaveLength(1)
    },
  )

  test('after a compaction by hand says nothing of that', async () => {
    const { home, service, id } = await captured(sample, 2, 'manual')
    const branched = await service.branch(id, { to: home })
    expect(branched.warnings.filter((warning) => warning.includes(sample.whatKeepsItWhole(home, branched)))).toEqual([])
  })

  test('that leaves room stands at the last turn with which that much is free, and is not said to compact again', async () => {
    const { home, service, id, texts, textsOfFile } = await captured(sample, 10)
    const whole = await texts(id)
    const branched = await service.branch(id, { to: home, leavePercent: 45 })
    const kept = await textsOfFile(branched.path)
    expect(kept).toEqual(whole.slice(0, kept.length))
    expect(kept).toHaveLength(sample.before + (whole.length - sample.before) / 2)
    const { room } = branched
    expect((room?.keptBytes ?? 0) / (room?.contextBytes ?? 1)).toBeLessThanOrEqual(0.55)
    expect(room?.estimatedTokens).toBe(Math.round((10_000 * (room?.keptBytes ?? 0)) / (room?.contextBytes ?? 1)))
    expect(branched.warnings.join()).not.toMatch(/as full as|stood at its limit/)
  })

  test('is refused where no turn leaves so much room', async () => {
    const { home, service, id } = await captured(sample, 2)
    await expect(service.branch(id, { to: home, leavePercent: 99 })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(service.branch(id, { to: home, leavePercent: 100 })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    await expect(service.branch(id, { to: home, leavePercent: 30, beforeTurn: true })).rejects.toMatchObject({ code: 'ARGUMENT_INVALID' })
    const single = await captured(sample, 1)
    if (sample.before > 0) return
    await expect(single.service.branch(single.id, { to: single.home, beforeTurn: true })).rejects.toMatchObject({
      code: 'ARGUMENT_INVALID',
    })
  })
})
