import { afterAll, describe } from 'vitest'
import { badInputCases } from './bad-input-cases.ts'
import { captureCases } from './capture-cases.ts'
import { codexCases } from './codex-cases.ts'
import { concurrencyCases } from './concurrency-cases.ts'
import { copyCases } from './copy-cases.ts'
import { curationCases } from './curation-cases.ts'
import { damageCases } from './damage-cases.ts'
import { fixtureCases } from './fixture-cases.ts'
import { importCases } from './import-cases.ts'
import { knownBytesCases } from './known-bytes-cases.ts'
import { pendingCases } from './pending-cases.ts'
import { readingCases } from './reading-cases.ts'
import { restoringCases } from './restoring-cases.ts'
import { supersededCases } from './superseded-cases.ts'
import { removeFolders } from './support/folders.ts'
import type { OpenStore } from './support/stores.ts'

/** What the service promises, over one kind of store. */
export function serviceSuite(name: string, openStore: OpenStore): void {
  afterAll(removeFolders)
  // Each test has a store and folders of its own; most of the time goes by while a disk is waited for.
  describe.concurrent(`the service over ${name}`, () => {
    captureCases(openStore)
    knownBytesCases(openStore)
    supersededCases(openStore)
    pendingCases(openStore)
    fixtureCases(openStore)
    codexCases(openStore)
    badInputCases(openStore)
    damageCases(openStore)
    concurrencyCases(openStore)
    curationCases(openStore)
    restoringCases(openStore)
    importCases(openStore)
    copyCases(openStore)
    readingCases(openStore)
  })
}
