import type { Installer } from '../installer.ts'
import { claudeCodeInstaller } from './claude-code.ts'
import { piInstaller } from './pi.ts'

/** Every agent that palimpsest can be installed into. */
export const installers: readonly Installer[] = [claudeCodeInstaller, piInstaller]
