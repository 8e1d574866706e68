import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openHost } from '@palimpsest/host'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { storeFolder } from '../../src/hook/store-folder.ts'

const spellings = [
  ...[
    '/tmp/palimpsest-x',
    '/tmp/a/../palimpsest-x/',
    'relative',
    './a:b',
    'c:/x',
    '~',
    '~/mine',
    '~other',
    ' /spaces ',
    'a\\b',
    'with?mark',
    '50%',
  ],
  ...[
    'file:///tmp/palimpsest-x',
    'file:///tmp/a%20b',
    'file:relative',
    'file:///tmp/x?y',
    'file:///tmp/x#y',
    'file:///~/x',
    'FILE:///tmp/x',
    'file://host/x',
  ],
  ...['memory:', 'gopher://x', '', '   ', 'file:///', 'file://'],
]
const configurations = [
  ...[
    '{}',
    '{"store":"/tmp/palimpsest-y"}',
    '{"store":"beside"}',
    '{"store":"~/mine"}',
    '{"store":7}',
    '{"shop":"x"}',
    '[]',
    'no JSON',
    '',
  ],
  ...[
    '{"retention":{"maxAge":"90d"}}',
    '{"store":"x","retention":{"maxAge":"soon"}}',
    '\uFEFF{"store":"/tmp/palimpsest-y"}',
    '{"__proto__":1}',
  ],
]

test('the folder that is found at once is the one that the host opens', async () => {
  const home = await mkdtemp(join(tmpdir(), 'palimpsest-folder-'))
  await mkdir(join(home, '.config/palimpsest'), { recursive: true })
  let found = 0
  const maybe = <Value>(values: readonly Value[]) => fc.option(fc.constantFrom(...values), { nil: undefined })
  await fc.assert(
    fc.asyncProperty(
      maybe(spellings),
      maybe(spellings),
      maybe(configurations),
      maybe(['/tmp/palimpsest-data', 'relative']),
      maybe(['5', '', 'many']),
      async (store, fromEnvironment, configuration, dataFolder, limit) => {
        const file = join(home, '.config/palimpsest/config.json')
        await (configuration === undefined ? rm(file, { force: true }) : writeFile(file, configuration))
        const env = { PALIMPSEST_STORE: fromEnvironment, XDG_DATA_HOME: dataFolder, PALIMPSEST_MAX_CHECKPOINTS: limit }
        const folder = storeFolder({ store, env, homeFolder: home, currentFolder: process.cwd() })
        if (folder === undefined) return
        found += 1
        const host = await openHost({ env, homeFolder: home, store })
        expect(host.configuration.store).toMatchObject({ kind: 'folder', folder })
        await host.close()
      },
    ),
    { numRuns: 400 },
  )
  await rm(home, { recursive: true })
  expect(found).toBeGreaterThan(10)
})
