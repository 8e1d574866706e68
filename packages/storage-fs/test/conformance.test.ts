import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testStorage } from '@palimpsest/conformance'
import { afterAll, test } from 'vitest'
import { createFsStorage } from '../src/index.ts'

const folder = await mkdtemp(join(tmpdir(), 'palimpsest-fs-'))
testStorage({ test, open: () => createFsStorage({ folder: join(folder, 'store') }) })
afterAll(() => rm(folder, { recursive: true }))
