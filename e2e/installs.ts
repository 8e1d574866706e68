import { installClaude } from './install-claude.ts'
import { installIntoOthers } from './install-others.ts'
import { installIntoPi } from './install-pi.ts'
import type { Suite } from './suite.ts'

/** `palimpsest install` into the real agents: from then on no compaction is missed. */
export const installs: Suite = {
  name: 'install',
  run: async (course) => {
    await installClaude(course)
    await installIntoPi(course)
    await installIntoOthers(course)
  },
}
