import { defineConfig } from 'vitest/config'

// Tests run on the sources: the workspace's own export condition comes first.
const conditions = ['@palimpsest/source', 'module', 'node', 'development|production']

export default defineConfig({
  resolve: { conditions },
  ssr: { resolve: { conditions } },
  test: {
    include: ['{packages,apps}/*/test/**/*.test.ts', 'tools/**/*.test.ts'],
    testTimeout: 30_000,
    hookTimeout: 60_000,
  },
})
