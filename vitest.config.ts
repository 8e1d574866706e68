import { defineConfig } from 'vitest/config'
import { ClosingLineReporter } from './tools/closing-line-reporter.ts'

// Tests run on the sources: the workspace's own export condition comes first.
const conditions = ['@palimpsest/source', 'module', 'node', 'development|production']

/** Files that put others in the place of modules: each in a process of its own. All else shares processes, which takes half of the time. */
const apart = [
  'packages/transcripts/test/opencode-database.test.ts',
  'packages/host/test/faults/written-files.test.ts',
  'packages/host/test/faults/changing-transcripts.test.ts',
  'apps/cli/test/large-transcript.test.ts',
]

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    projects: [
      {
        extends: true,
        test: {
          name: 'together',
          include: ['{packages,apps}/*/test/**/*.test.ts', '{tools,benchmarks}/**/*.test.ts'],
          exclude: ['**/node_modules/**', ...apart],
          isolate: false,
        },
      },
      { extends: true, test: { name: 'apart', include: apart } },
    ],
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new ClosingLineReporter()],
  },
})
