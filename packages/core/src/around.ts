import type { CaptureRequest, PendingCheckpoint } from './capture.ts'
import type { Checkpoint } from './checkpoint.ts'
import type { Completion } from './completion.ts'

/** A capture around a compaction. */
export interface AroundRequest<Result> extends CaptureRequest {
  /** What a failing capture does: it stops everything (the default), or the compaction runs without a checkpoint. */
  readonly onCaptureError?: 'throw' | 'continue' | undefined
  /** What the compaction made of it; by default nothing is added. */
  readonly completion?: ((result: Result) => Completion) | undefined
}

/** What became of the checkpoint. `pending`: the compaction ran, confirming it failed, and the next import settles it. `problem` never hides the compaction's own result. */
export interface AroundOutcome {
  readonly status: 'complete' | 'pending' | 'not-captured'
  readonly checkpoint?: Checkpoint | undefined
  readonly problem?: unknown
}

/** Captures, compacts, and completes; abandons when `compact` throws, whose error is rethrown untouched. */
export async function captureAround<Result>(
  capture: (request: CaptureRequest) => Promise<PendingCheckpoint>,
  request: AroundRequest<Result>,
  compact: () => Result | Promise<Result>,
): Promise<{ readonly result: Result; readonly outcome: AroundOutcome }> {
  const { onCaptureError, completion, ...captureRequest } = request
  let pending: PendingCheckpoint | undefined
  let problem: unknown
  try {
    pending = await capture(captureRequest)
  } catch (error) {
    if (onCaptureError !== 'continue') throw error
    problem = error
  }
  const result = await compactOrAbandon(compact, pending)
  if (pending === undefined) return { result, outcome: { status: 'not-captured', problem } }
  try {
    const checkpoint = await pending.complete(completion?.(result) ?? {})
    return { result, outcome: { status: 'complete', checkpoint } }
  } catch (error) {
    return { result, outcome: { status: 'pending', checkpoint: pending.checkpoint, problem: error } }
  }
}

async function compactOrAbandon<Result>(compact: () => Result | Promise<Result>, pending: PendingCheckpoint | undefined): Promise<Result> {
  try {
    return await compact()
  } catch (error) {
    // The compaction's own error is what the caller must see; a capture that can't be abandoned stays pending and is settled by the next import.
    await pending?.abandon().catch(() => undefined)
    throw error
  }
}
