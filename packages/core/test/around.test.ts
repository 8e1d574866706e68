import { describe, expect, test } from 'vitest'
import { captureAround } from '../src/around.ts'
import type { PendingCheckpoint } from '../src/capture.ts'
import type { Checkpoint } from '../src/checkpoint.ts'
import type { TranscriptOrigin } from '../src/transcript.ts'

const transcript: TranscriptOrigin = { open: () => Promise.reject(new Error('not opened in this test')) }
const checkpoint: Checkpoint = {
  id: 'c',
  agent: 'pi',
  sessionKey: 's',
  sessionId: 's',
  createdAt: 1,
  reason: 'manual',
  origin: 'capture',
  status: 'pending',
  preCompaction: { sessionId: 's' },
  sizeBytes: 1,
  pinned: false,
  badLines: 0,
  parts: [],
}

/** A capture that notes what is asked of it, in order. */
function pendingCapture(failing: { complete?: Error; abandon?: Error } = {}) {
  const steps: unknown[] = []
  const pending: PendingCheckpoint = {
    outcome: 'captured',
    checkpoint,
    storedBytes: 1,
    async complete(completion) {
      steps.push(['complete', completion])
      if (failing.complete !== undefined) throw failing.complete
      return { ...checkpoint, status: 'complete' }
    },
    async abandon() {
      steps.push('abandon')
      if (failing.abandon !== undefined) throw failing.abandon
    },
  }
  const capture = async () => {
    steps.push('capture')
    return pending
  }
  return { steps, capture }
}

describe('around', () => {
  test('captures, compacts and completes with what the compaction made of it', async () => {
    const { steps, capture } = pendingCapture()
    const compact = () => {
      steps.push('compact')
      return { text: 'what was' }
    }
    const { result, outcome } = await captureAround(
      capture,
      { agent: 'pi', transcript, completion: ({ text }: { text: string }) => ({ summary: text }) },
      compact,
    )
    expect(result).toEqual({ text: 'what was' })
    expect(outcome).toEqual({ status: 'complete', checkpoint: { ...checkpoint, status: 'complete' } })
    expect(steps).toEqual(['capture', 'compact', ['complete', { summary: 'what was' }]])
  })

  test('rethrows the error of compact untouched, and abandons', async () => {
    const { steps, capture } = pendingCapture()
    const failure = new Error('the model is gone')
    await expect(captureAround(capture, { agent: 'pi', transcript }, () => Promise.reject(failure))).rejects.toBe(failure)
    await expect(
      captureAround(capture, { agent: 'pi', transcript }, () => {
        throw failure
      }),
    ).rejects.toBe(failure)
    expect(steps).toEqual(['capture', 'abandon', 'capture', 'abandon'])
  })

  test('rethrows the error of compact even where abandoning fails too', async () => {
    const { capture } = pendingCapture({ abandon: new Error('disk full') })
    const failure = { not: 'even an error' }
    await expect(captureAround(capture, { agent: 'pi', transcript }, () => Promise.reject(failure))).rejects.toBe(failure)
  })

  test('stops before compact when the capture fails', async () => {
    const failure = new Error('no transcript')
    let compacted = false
    const compact = () => {
      compacted = true
    }
    await expect(captureAround(() => Promise.reject(failure), { agent: 'pi', transcript }, compact)).rejects.toBe(failure)
    expect(compacted).toBe(false)
  })

  test('compacts without a checkpoint when told to go on, and says why there is none', async () => {
    const failure = new Error('no transcript')
    const { result, outcome } = await captureAround(
      () => Promise.reject(failure),
      { agent: 'pi', transcript, onCaptureError: 'continue' },
      () => 7,
    )
    expect(result).toBe(7)
    expect(outcome).toEqual({ status: 'not-captured', problem: failure })
  })

  test('gives the result and the problem when completing fails', async () => {
    const failure = new Error('disk full')
    const { capture } = pendingCapture({ complete: failure })
    const { result, outcome } = await captureAround(capture, { agent: 'pi', transcript }, () => 7)
    expect(result).toBe(7)
    expect(outcome.problem).toBe(failure)
    expect(outcome.checkpoint).toEqual(checkpoint)
    expect(outcome.status).not.toBe('complete')
  })

  test('gives the result and the problem when what makes the completion throws', async () => {
    const failure = new Error('no summary in it')
    const completion = () => {
      throw failure
    }
    const { result, outcome } = await captureAround(pendingCapture().capture, { agent: 'pi', transcript, completion }, () => 7)
    expect({ result, problem: outcome.problem }).toEqual({ result: 7, problem: failure })
  })
})
