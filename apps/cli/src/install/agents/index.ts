import type { Installer } from '../installer.ts'
import { claudeCodeInstaller } from './claude-code.ts'
import { codexInstaller } from './codex.ts'
import { copilotInstaller } from './copilot.ts'
import { geminiInstaller } from './gemini.ts'
import { openClawInstaller } from './openclaw.ts'
import { openCodeInstaller } from './opencode.ts'
import { piInstaller } from './pi.ts'

/** Every agent that palimpsest can be installed into. */
export const installers: readonly Installer[] = [
  claudeCodeInstaller,
  piInstaller,
  codexInstaller,
  openCodeInstaller,
  geminiInstaller,
  copilotInstaller,
  openClawInstaller,
]
