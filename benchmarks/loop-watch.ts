import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as delay } from 'node:timers/promises'

/** Watches how long the event loop of this process is held. `stop` gives the longest hold in milliseconds. */
export async function watchLoop(): Promise<{ stop(): Promise<number> }> {
  const histogram = monitorEventLoopDelay({ resolution: 1 })
  histogram.enable()
  histogram.reset()
  // The first tick after a reset is not counted.
  await delay(8)
  return {
    async stop() {
      await delay(4)
      histogram.disable()
      return Math.max(histogram.max / 1e6, 0)
    },
  }
}
