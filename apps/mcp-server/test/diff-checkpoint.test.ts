import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { factCategories } from '@palimpsest/core'
import { type Host, openHost } from '@palimpsest/host'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { forgotten, piSession, piSessionId } from './pi-session.ts'
import { answerOf, errorOf, field, registryFor } from './tool-calls.ts'

const otherId = '019a9b00-9999-7222-8333-444455556666'
const otherError = 'error[E0599]: no method named `frobnicate` found for struct `Queue`'
let folder = ''
let host: Host

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'palimpsest-mcp-diff-'))
  const sessions = join(folder, '.pi/agent/sessions/--home-dev-queue--')
  await mkdir(sessions, { recursive: true })
  host = await openHost({ env: {}, homeFolder: folder })
  // Of two compactions at the same moment nobody knows which is the latest: only the caller's session tells.
  for (const [sessionId, error] of [
    [piSessionId, forgotten.error],
    [otherId, otherError],
  ] as const) {
    const path = join(sessions, `${sessionId}.jsonl`)
    await writeFile(path, piSession('/home/dev/queue', sessionId, error))
    await host.checkpoints.import({ agent: 'pi', transcript: host.files.origin(path) })
  }
})
afterAll(async () => {
  await host.close()
  await rm(folder, { recursive: true, force: true })
})

describe('diff_checkpoint', () => {
  test('without arguments it tells the calling session what its own last compaction forgot', async () => {
    const registry = registryFor(host.checkpoints)
    for (const [id, own, other] of [
      [piSessionId, forgotten.error, otherError],
      [otherId, otherError, forgotten.error],
    ] as const) {
      const answer = await answerOf(registry, 'diff_checkpoint', {}, { id, agent: 'pi' })
      expect(field(answer, 'forgotten')).toContain(`error [aaaa0002] ${own}`)
      expect(field(answer, 'forgotten')).not.toContain(other)
      expect(answer.structured['checkpoint']).toMatchObject({ session_key: id, this_session: true })
      expect(answer.text).toContain(field(answer, 'forgotten'))
    }
  })

  test('counts what was kept and dropped, and quotes one category alone when asked', async () => {
    const registry = registryFor(host.checkpoints, { random: () => 'mark' })
    const answer = await answerOf(registry, 'diff_checkpoint', { session_key: piSessionId, category: 'error' })
    expect(answer.structured).toMatchObject({ kept: { entries: 1 }, dropped: { entries: 3 }, shown: 1, forgotten_total: 1 })
    expect(field(answer, 'forgotten')).toBe(`<untrusted-mark>\nerror [aaaa0002] ${forgotten.error}\n</untrusted-mark>`)
    expect(answer.structured['categories']).toContainEqual({ category: 'request', facts: 1, whole: 0, part: 0, none: 1 })
    expect(answer.structured['next_steps']).toHaveLength(1)
  })

  test('no fact can stand on a line of its own making, or close the fence', async () => {
    const answer = await answerOf(registryFor(host.checkpoints), 'diff_checkpoint', { session_key: piSessionId })
    const lines = field(answer, 'forgotten').split('\n').slice(1, -1)
    for (const line of lines) expect(line).toMatch(/^[a-z-]+ \[aaaa000\d\] /)
  })

  test('keeps to the characters that were asked for', async () => {
    const answer = await answerOf(registryFor(host.checkpoints), 'diff_checkpoint', { session_key: piSessionId, max_characters: 500 })
    expect(JSON.stringify(field(answer, 'forgotten')).length).toBeLessThan(600)
    expect(await errorOf(registryFor(host.checkpoints), 'diff_checkpoint', { max_characters: 100 })).toContain('from 500 to 36000')
  })

  test('every category that core knows can be asked for: the tool lists them itself, since core is not loaded when a client asks for the tools', () => {
    const tool = registryFor(host.checkpoints)
      .list()
      .find(({ name }) => name === 'diff_checkpoint')
    expect(tool?.inputSchema).toMatchObject({ properties: { category: { enum: [...factCategories] } } })
  })

  test('a category that there is none of is answered with all that there are', async () => {
    const text = await errorOf(registryFor(host.checkpoints), 'diff_checkpoint', { category: 'errors' })
    expect(text).toContain('category must be "request" or "decision" or "error"')
  })
})
