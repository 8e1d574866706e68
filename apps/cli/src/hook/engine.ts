import { openHost } from '@palimpsest/host'
import { carryOut } from './carry-out.ts'
import type { HookRequest } from './hook-request.ts'

/** Opens the store and does what a hook's event asks for; gives what the agent should see. Throws what `openHost` and `carryOut` throw. */
export async function runEngine(options: {
  readonly agent: string
  readonly store: string | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  readonly request: HookRequest
  readonly currentFolder: string
}): Promise<string | undefined> {
  const { agent, store, env, request, currentFolder } = options
  const host = await openHost({ store, env })
  try {
    return await carryOut(request, { host, agent, currentFolder, signal: new AbortController().signal })
  } finally {
    await host.close()
  }
}
