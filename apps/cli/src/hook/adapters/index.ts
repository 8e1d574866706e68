import type { HookAdapter } from '../hook-request.ts'
import { claudeCodeHooks } from './claude-code.ts'
import { piHooks } from './pi.ts'

/** Every agent whose hooks are understood. */
export const hookAdapters: readonly HookAdapter[] = [claudeCodeHooks, piHooks('pi'), piHooks('openclaw')]
