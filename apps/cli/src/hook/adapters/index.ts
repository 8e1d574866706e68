import type { HookAdapter } from '../hook-request.ts'
import { claudeCodeHooks } from './claude-code.ts'
import { codexHooks } from './codex.ts'
import { copilotHooks } from './copilot.ts'
import { geminiHooks } from './gemini.ts'
import { openCodeHooks } from './opencode.ts'
import { piHooks } from './pi.ts'

/** Every agent whose hooks are understood. */
export const hookAdapters: readonly HookAdapter[] = [
  claudeCodeHooks,
  piHooks('pi'),
  piHooks('openclaw'),
  codexHooks,
  openCodeHooks,
  geminiHooks,
  copilotHooks,
]
