import type { TranscriptReader } from '@palimpsest/core'
import type { ReaderSample } from './reader-case.ts'
import { readerCases } from './reader-cases/index.ts'
import type { TestFunction } from './test-storage.ts'

/** Registers every reader case on every sample with a test runner, named `<sample>: <id>: <name>`. */
export function testReader(options: {
  readonly test: TestFunction
  readonly reader: TranscriptReader
  readonly samples: readonly ReaderSample[]
}): void {
  for (const sample of options.samples) {
    for (const { id, name, run } of readerCases) {
      options.test(`${sample.name}: ${id}: ${name}`, () => run({ reader: options.reader, sample }))
    }
  }
}
