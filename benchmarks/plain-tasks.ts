import { closeSync, copyFileSync, fsyncSync, openSync, rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import { watchLoop } from './loop-watch.ts'

let watch: Awaited<ReturnType<typeof watchLoop>> | undefined

export const tasks = {
  /** `cp` and an fsync of the copy and its folder; the copy is removed afterwards. */
  copy({ path, to }: { path: string; to: string }) {
    const start = performance.now()
    copyFileSync(path, to)
    for (const name of [to, dirname(to)]) {
      const file = openSync(name, 'r')
      fsyncSync(file)
      closeSync(file)
    }
    const ms = performance.now() - start
    rmSync(to)
    return { ms }
  },

  /** A copy that stays: a transcript that agents' code may touch. */
  duplicate({ path, to }: { path: string; to: string }) {
    copyFileSync(path, to)
  },

  /** Idles and watches its event loop until `idleEnd`: what the machine alone does to a loop. */
  async idleBegin() {
    watch = await watchLoop()
  },

  async idleEnd() {
    const maxHoldMs = (await watch?.stop()) ?? 0
    watch = undefined
    return { maxHoldMs }
  },
}
