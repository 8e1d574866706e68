import { type OpenStorage, unmetNeeds, withStorageContext } from './storage-case.ts'
import { storageCases } from './storage-cases/index.ts'

/** The `test` of vitest, of node:test, or of anything like them. A runner that gives no context gets a passed test for a skipped case. */
export type TestFunction = (name: string, run: (context?: { skip?(reason?: string): unknown }) => Promise<void>) => unknown

/** Registers every storage case with a test runner, one test a case, named `<id>: <name>`. Cases whose needs are not met are skipped. */
export function testStorage(options: { readonly test: TestFunction; readonly open: OpenStorage }): void {
  for (const { id, name, needs, run } of storageCases) {
    options.test(`${id}: ${name}`, (runner) =>
      withStorageContext(options.open, async (context) => {
        const unmet = unmetNeeds(needs, context.storage.traits)
        if (unmet.length === 0) await run(context)
        else runner?.skip?.(unmet.join(', '))
      }),
    )
  }
}
