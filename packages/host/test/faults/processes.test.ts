import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createFsStorage } from '@palimpsest/storage-fs'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { type Acknowledged, assertRace, ended, startScript } from './support/race.ts'
import { serviceOver } from './support/service.ts'

const script = fileURLToPath(new URL('./capturing-process.ts', import.meta.url))

test.each([
  ['one session', 1],
  ['several sessions', 3],
])('four processes that each capture eight times into %s lose nothing and make nothing twice', async (_name, sessions) => {
  const folder = join(await temporaryFolder(), 'store')
  const writers = [0, 1, 2, 3].map((writer) => startScript(script, [folder, String(writer), '8', String(sessions)]))
  expect(await Promise.all(writers.map(({ child }) => ended(child)))).toEqual([0, 0, 0, 0])
  const acknowledged = writers.flatMap(({ lines }) => lines().map((line): Acknowledged => JSON.parse(line)))
  expect(acknowledged).toHaveLength(32)
  await assertRace(serviceOver(createFsStorage({ folder }), folder), acknowledged)
  expect(await readdir(join(folder, 'tmp'))).toEqual([])
})
