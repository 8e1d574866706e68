import { rm, stat } from 'node:fs/promises'
import { watchLoop } from './loop-watch.ts'
import { fillStore } from './many-sessions.ts'
import { openService, type Service, transcripts } from './palimpsest.ts'
import { type Profiled, timed } from './timed.ts'

const services = new Map<string, Service>()

export const tasks = {
  /** One capture, timed, and then its completion, not timed. */
  async capture(
    input: Profiled & {
      store: string
      path: string
      agent?: string
      sessionKey?: string
      tail?: boolean
      summary?: string
      watch?: boolean
    },
  ) {
    const { checkpoints } = await service(input.store)
    const request = {
      agent: input.agent ?? 'pi',
      transcript: transcripts.fileTranscript(input.path),
      reason: 'auto-threshold' as const,
      ...(input.sessionKey === undefined ? {} : { sessionKey: input.sessionKey }),
      ...(input.tail === true ? { prefixCheck: 'tail' as const } : {}),
    }
    const loop = input.watch === true ? await watchLoop() : undefined
    const { ms, value: pending } = await timed(input.profile, () => checkpoints.capture(request))
    const maxHoldMs = await loop?.stop()
    if (input.summary !== undefined) await pending.complete({ summary: input.summary, tokensAfter: 20_000 })
    return { ms, maxHoldMs, id: pending.checkpoint.id, outcome: pending.outcome, storedBytes: pending.storedBytes }
  },

  /** A new session from a checkpoint; it is removed afterwards. */
  async branch(input: Profiled & { store: string; id: string; to: string }) {
    const { checkpoints } = await service(input.store)
    const { ms, value: branched } = await timed(input.profile, () => checkpoints.branch(input.id, { to: input.to }))
    const { size } = await stat(branched.path)
    await rm(branched.path)
    return { ms, sizeBytes: size }
  },

  async list(input: Profiled & { store: string; sessionKey?: string; fresh?: boolean }) {
    const { checkpoints } = await service(input.store, input.fresh)
    const { ms, value } = await timed(input.profile, () => checkpoints.list({ agent: 'pi', sessionKey: input.sessionKey, limit: 25 }))
    return { ms, count: value.checkpoints.length }
  },

  async newestId(input: { store: string; sessionKey: string }) {
    const { checkpoints } = await service(input.store)
    const { checkpoints: found } = await checkpoints.list({ agent: 'pi', sessionKey: input.sessionKey, limit: 1 })
    return found[0]?.id ?? ''
  },

  async show(input: Profiled & { store: string; id: string; fresh?: boolean }) {
    const { checkpoints } = await service(input.store, input.fresh)
    const { ms, value } = await timed(input.profile, () => checkpoints.get(input.id))
    return { ms, id: value.id }
  },

  async read(input: { store: string; id: string }) {
    const { checkpoints } = await service(input.store)
    const { ms, value } = await timed(undefined, () => checkpoints.read(input.id, { limit: 50 }))
    return { ms, total: value.total }
  },

  /** `undefined` where this build has no verify. */
  async verify(input: { store: string }) {
    const { checkpoints } = await service(input.store)
    if (!('verify' in checkpoints) || typeof checkpoints.verify !== 'function') return undefined
    const { verify } = checkpoints
    const { ms } = await timed(undefined, () => verify.call(checkpoints, {}))
    return { ms }
  },

  /** The size of the largest ledger. */
  async largestRef(input: { store: string }) {
    const { storage } = await service(input.store)
    const { items } = await storage.refs.list('sessions/')
    const refs = await Promise.all(items.map(({ name }) => storage.refs.read(name)))
    return { sizeBytes: Math.max(...refs.map((ref) => ref?.value.byteLength ?? 0)) }
  },

  /** A store of many sessions. */
  fillStore,

  /** The most memory that this process has had, in bytes. */
  peakMemory() {
    return { bytes: process.resourceUsage().maxRSS * 1024 }
  },
}

/** The service on a store: one for all tasks, or with `fresh` a new one, which has read nothing yet. */
async function service(store: string, fresh = false): Promise<Service> {
  if (fresh) return openService(store)
  const open = services.get(store) ?? (await openService(store))
  services.set(store, open)
  return open
}
