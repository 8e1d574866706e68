import { serviceSuite } from './service-suite.ts'
import { openFsStore } from './support/stores.ts'

serviceSuite('a folder', openFsStore)
