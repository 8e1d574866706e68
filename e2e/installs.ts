import { installClaude } from './install-claude.ts'
import { installIntoCodex } from './install-codex.ts'
import { installIntoCopilot } from './install-copilot.ts'
import { installIntoGemini } from './install-gemini.ts'
import { installIntoOpenClaw } from './install-openclaw.ts'
import { installIntoOpenCode } from './install-opencode.ts'
import { installIntoPi } from './install-pi.ts'
import type { Suite } from './suite.ts'

/** `palimpsest install` into the real agents: from then on no compaction is missed. */
export const installs: Suite = {
  name: 'install',
  run: async (course) => {
    await installClaude(course)
    await installIntoPi(course)
    await installIntoCodex(course)
    await installIntoOpenCode(course)
    await installIntoGemini(course)
    await installIntoCopilot(course)
    await installIntoOpenClaw(course)
  },
}
