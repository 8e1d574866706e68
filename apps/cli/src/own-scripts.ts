import { fileURLToPath } from 'node:url'

/** The absolute paths of what an agent is to start. This file lies as deep as the bundle does. */
export const ownScripts = {
  /** The entry of hooks. */
  hook: fileURLToPath(new URL('../bin/palimpsest-hook.cjs', import.meta.url)),
  /** The command. */
  command: fileURLToPath(new URL('../bin/palimpsest.js', import.meta.url)),
} as const
