import { testStorage } from '@palimpsest/conformance'
import { createFsFromVolume, Volume } from 'memfs'
import { test } from 'vitest'
import { createFsStorage, type FileSystem } from '../src/index.ts'

const fs = createFsFromVolume(new Volume()).promises as unknown as FileSystem
testStorage({ test, open: () => createFsStorage({ folder: '/store', fs }) })
