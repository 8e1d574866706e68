import { performance } from 'node:perf_hooks'
import { setTimeout } from 'node:timers/promises'
import type { StorageTraits } from '@palimpsest/core'
import { type OpenStorage, type StorageCase, unmetNeeds, withStorageContext } from './storage-case.ts'
import { storageCases } from './storage-cases/index.ts'

/** What became of one case. */
export interface CaseReport {
  readonly id: string
  readonly group: string
  readonly name: string
  readonly outcome: 'passed' | 'failed' | 'skipped'
  readonly durationMs: number
  /** Why it failed, or the traits for which it was skipped. */
  readonly message?: string
}

/** What became of all. `format` changes only when a field changes its meaning. */
export interface ConformanceReport {
  readonly format: 1
  readonly traits: StorageTraits
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly cases: readonly CaseReport[]
}

/** Runs the cases one after the other, without a test runner. Rejects only when no instance can be made at all. */
export async function runStorageCases(
  open: OpenStorage,
  options: {
    readonly cases?: readonly StorageCase[]
    readonly onCase?: (report: CaseReport) => void
    readonly caseTimeoutMs?: number
  } = {},
): Promise<ConformanceReport> {
  const first = await open()
  const { traits } = first
  await first.close()
  const cases: CaseReport[] = []
  for (const storageCase of options.cases ?? storageCases) {
    const report = await runCase(open, storageCase, traits, options.caseTimeoutMs ?? 120_000)
    options.onCase?.(report)
    cases.push(report)
  }
  const count = (outcome: CaseReport['outcome']) => cases.filter((report) => report.outcome === outcome).length
  return { format: 1, traits, passed: count('passed'), failed: count('failed'), skipped: count('skipped'), cases }
}

async function runCase(open: OpenStorage, storageCase: StorageCase, traits: StorageTraits, timeoutMs: number): Promise<CaseReport> {
  const { id, group, name, needs } = storageCase
  const unmet = unmetNeeds(needs, traits)
  if (unmet.length > 0) return { id, group, name, outcome: 'skipped', durationMs: 0, message: unmet.join(', ') }
  const startedAt = performance.now()
  const durationMs = () => Math.round(performance.now() - startedAt)
  try {
    await withTimeout(withStorageContext(open, storageCase.run), timeoutMs)
    return { id, group, name, outcome: 'passed', durationMs: durationMs() }
  } catch (error) {
    return { id, group, name, outcome: 'failed', durationMs: durationMs(), message: String(error) }
  }
}

async function withTimeout<Result>(promise: Promise<Result>, timeoutMs: number): Promise<Result> {
  const timeout = new AbortController()
  const late = setTimeout(timeoutMs, undefined, { signal: timeout.signal }).then(() => {
    throw new Error(`The case did not end within ${timeoutMs} ms.`)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    timeout.abort()
    late.catch(() => undefined)
  }
}
