import { serviceSuite } from './service-suite.ts'
import { openMemoryStore } from './support/stores.ts'

serviceSuite('memory', openMemoryStore)
