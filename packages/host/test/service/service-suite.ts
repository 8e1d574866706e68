import { describe } from 'vitest'
import { captureCases } from './capture-cases.ts'
import { curationCases } from './curation-cases.ts'
import { restoringCases } from './restoring-cases.ts'
import { importCases } from './import-cases.ts'
import { readingCases } from './reading-cases.ts'
import type { OpenStore } from './support/stores.ts'

/** What the service promises, over one kind of store. */
export function serviceSuite(name: string, openStore: OpenStore): void {
  describe(`the service over ${name}`, () => {
    captureCases(openStore)
    curationCases(openStore)
    restoringCases(openStore)
    importCases(openStore)
    readingCases(openStore)
  })
}
