import { mkdir, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { createCheckpoints } from '@palimpsest/core'
import { createMemoryStorage } from '@palimpsest/storage-memory'
import { nodeTranscriptFiles } from '@palimpsest/transcripts'
import { expect, test } from 'vitest'
import { knownAgents } from '../src/agents.ts'
import { compactedPiSession, put } from './support/sessions.ts'
import { temporaryFolder } from './support/temporary-folder.ts'

/** A compacted session of pi that worked in a folder of a home, and its checkpoint. */
async function sessionIn(cwdName: string) {
  const home = await temporaryFolder()
  const cwd = join(home, cwdName)
  const files = nodeTranscriptFiles()
  const service = createCheckpoints({ storage: createMemoryStorage(), readers: knownAgents({}, home).readers, files })
  const text = compactedPiSession('one', '2026-01-02T03:04:10.000Z').replace('"/project"', JSON.stringify(cwd))
  const path = await put(join(home, '.pi/agent/sessions/--p--/one.jsonl'), text)
  const { checkpointIds } = await service.import({ agent: 'pi', transcript: files.origin(path) })
  return { cwd, path, service, id: checkpointIds[0] ?? '' }
}

test('a branch and a restore of a session whose folder is gone say how to make it', async () => {
  const { cwd, path, service, id } = await sessionIn("my work's")
  const command = `mkdir -p '${cwd.replace("'", "'\\''")}'`
  const gone = [expect.stringContaining(command)]
  expect((await service.branch(id)).warnings.filter((warning) => warning.includes('not there any more'))).toEqual(gone)
  const restored = await service.restore(id, { force: true })
  expect(restored.path).toBe(path)
  expect(restored.warnings.filter((warning) => warning.includes('not there any more'))).toEqual(gone)
  await mkdir(cwd)
  expect((await service.branch(id)).warnings.join()).not.toContain('mkdir')
  await rm(cwd, { recursive: true })
  await put(cwd, 'a file in its place')
  expect((await service.branch(id)).warnings.join()).toContain(command)
})

test('with the folder of its transcript gone, a branch makes it again, and a restore says to branch', async () => {
  const { path, service, id } = await sessionIn('work')
  await rm(dirname(dirname(path)), { recursive: true })
  await expect(service.restore(id)).rejects.toMatchObject({
    code: 'TRANSCRIPT_UNREADABLE',
    message: expect.stringMatching(/no such file.*use branch/s),
    details: { path },
  })
  const branched = await service.branch(id)
  expect(dirname(branched.path)).toMatch(/sessions\/--.*work--$/)
})
