import { readFile, writeFile } from 'node:fs/promises'
import { Session } from 'node:inspector/promises'

/** Runs something under the CPU profiler and writes what it saw to a `.cpuprofile` file. */
export async function profiled<Value>(path: string, run: () => Promise<Value>): Promise<Value> {
  const session = new Session()
  session.connect()
  try {
    await session.post('Profiler.enable')
    await session.post('Profiler.setSamplingInterval', { interval: 250 })
    await session.post('Profiler.start')
    const value = await run()
    const { profile } = await session.post('Profiler.stop')
    await writeFile(path, JSON.stringify(profile))
    return value
  } finally {
    session.disconnect()
  }
}

/** The functions of the main thread in which most time was spent, in milliseconds of their own. */
export async function selfTimes(path: string, limit: number): Promise<readonly string[]> {
  const profile: {
    nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[]
    samples: number[]
    timeDeltas: number[]
  } = JSON.parse(await readFile(path, 'utf8'))
  const names = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => [
      id,
      `${functionName || '(anonymous)'}${url === '' ? '' : ` ${url.split('/').slice(-3).join('/')}:${lineNumber + 1}`}`,
    ]),
  )
  const times = new Map<string, number>()
  for (const [index, id] of profile.samples.entries()) {
    const name = names.get(id) ?? '?'
    times.set(name, (times.get(name) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000)
  }
  return [...times]
    .sort(([, left], [, right]) => right - left)
    .slice(0, limit)
    .map(([name, ms]) => `${ms.toFixed(1).padStart(8)} ms  ${name}`)
}
