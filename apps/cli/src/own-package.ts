import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

// This file lies as deep as the bundle does.

/** The absolute paths of what an agent is to start. */
export const ownScripts = {
  /** The entry of hooks. */
  hook: fileURLToPath(new URL('../bin/palimpsest-hook.cjs', import.meta.url)),
  /** The command. */
  command: fileURLToPath(new URL('../bin/palimpsest.js', import.meta.url)),
} as const

/** The version in the package's own manifest. */
export function ownVersion(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
  if (typeof manifest !== 'object' || manifest === null || !('version' in manifest)) return 'unknown'
  return String(manifest.version)
}
