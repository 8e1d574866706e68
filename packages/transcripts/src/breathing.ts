import { setImmediate } from 'node:timers/promises'

const budgetMs = 4

/**
 * For a long run of synchronous work: call the returned function between two pieces of it and await what it gives. It gives nothing while
 * less than 4 ms have gone by since the event loop last ran, else a promise that lets it run.
 */
export function breathing(): () => Promise<void> | undefined {
  let since = performance.now()
  const breathe = async () => {
    await setImmediate()
    since = performance.now()
  }
  return () => (performance.now() - since < budgetMs ? undefined : breathe())
}
