import type { CaptureRequest } from './capture.ts'
import { type CompactionReason, isCompactionReason } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { trimmed, wholeNumber } from './text-input.ts'

const comparedWholeBytes = 64 * 1024 * 1024

/** What the caller of a capture knows, checked. */
export interface CaptureFacts {
  readonly reason: CompactionReason
  readonly createdAt: number
  readonly leafId: string | undefined
  readonly tokensBefore: number | undefined
  readonly label: string | undefined
  readonly prefixCheck: 'whole' | 'tail' | undefined
}

/** The facts of a request. Throws `ARGUMENT_INVALID`. */
export function checkedFacts(environment: Environment, request: CaptureRequest): CaptureFacts {
  return {
    reason: request.reason ?? 'unknown',
    createdAt: wholeNumber('createdAt', request.createdAt) ?? environment.now(),
    leafId: trimmed(request.leafId),
    tokensBefore: wholeNumber('tokensBefore', request.tokensBefore),
    label: trimmed(request.label),
    prefixCheck: request.prefixCheck,
  }
}

/** Whether the main part, of so many bytes, may be known again by its tail. */
export function isByTail(facts: CaptureFacts, sizeBytes: number): boolean {
  if (facts.prefixCheck !== undefined) return facts.prefixCheck === 'tail'
  return sizeBytes > comparedWholeBytes && isCompactionReason(facts.reason)
}
