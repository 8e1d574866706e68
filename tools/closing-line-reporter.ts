import type { Reporter, TestModule } from 'vitest/node'

/** Closes a test run with one plain line, `N passed, N failed, N skipped`, and says why tests were skipped when the fixtures are not there. */
export class ClosingLineReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]): void {
    const counts = { passed: 0, failed: errors.length, skipped: 0 }
    for (const module of modules) {
      if (module.errors().length > 0) counts.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed' || state === 'failed') counts[state] += 1
        else counts.skipped += 1
      }
    }
    if (counts.skipped > 0) {
      console.log(
        `\n${counts.skipped} tests were skipped. Those that need real transcripts look in $PALIMPSEST_FIXTURES, then in ../shared/fixtures.`,
      )
    }
    console.log(`\n${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`)
  }
}
