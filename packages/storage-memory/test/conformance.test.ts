import { testStorage } from '@palimpsest/conformance'
import { test } from 'vitest'
import { createMemoryStorage, createMemoryStore } from '../src/index.ts'

const shared = createMemoryStore()
testStorage({ test, open: () => createMemoryStorage({ shared }) })
