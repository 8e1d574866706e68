import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'

/** Checks against one agent. */
export interface Suite {
  readonly name: string
  run(course: Course): Promise<void>
}

/** A suite while it runs. */
export interface Course {
  /** A sequence of checks that build on each other, in a folder of its own. When one fails, the rest of the sequence is not run. */
  scenario(name: string, run: (scenario: Scenario) => Promise<void>): Promise<void>
  /** Says that something is not checked here, and why. */
  skip(name: string, why: string): void
}

/** A sequence of checks. */
export interface Scenario {
  /** Empty at first, gone afterwards. */
  readonly folder: string
  /** Checks what the sentence says: `run` throws where it is not so. Gives what `run` gave; a failure ends the scenario. */
  check<Result>(sentence: string, run: () => Result | Promise<Result>): Promise<Result>
  /** The same for a check on which no other depends: a failure is counted and the scenario goes on. */
  also(sentence: string, run: () => unknown): Promise<void>
  /** Runs when the scenario is over, whatever happened; the last one first. */
  afterwards(run: () => Promise<unknown>): void
}

/** How many checks came out how. */
export interface Tally {
  passed: number
  failed: number
  skipped: number
}

/** What of a run is wanted. */
export interface CourseOptions {
  readonly suite: string
  readonly folder: string
  /** Only scenarios whose name has this in it. */
  readonly only?: string | undefined
}

class ScenarioEnded extends Error {}

/** A course that counts in `tally` and prints a line for each check. */
export function courseOf(tally: Tally, options: CourseOptions): Course {
  let count = 0
  return {
    scenario: async (name, run) => {
      if (options.only !== undefined && !name.includes(options.only)) return
      const folder = join(options.folder, `${options.suite}-${++count}`)
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const clearing: (() => Promise<unknown>)[] = []
      const check = checkOf(tally, `${options.suite}: ${name}`)
      const scenario: Scenario = {
        folder,
        check,
        also: async (sentence, also) => {
          await check(sentence, also).catch(unlessEnded)
        },
        afterwards: (clear) => {
          clearing.unshift(clear)
        },
      }
      // What goes wrong between two checks is a failure of the scenario itself.
      await run(scenario).catch((error: unknown) =>
        error instanceof ScenarioEnded
          ? undefined
          : check('it runs to its end', () => {
              throw error
            }).catch(unlessEnded),
      )
      for (const clear of clearing) await clear().catch((error: unknown) => console.log(`     could not clear up: ${messageOf(error)}`))
    },
    skip: (name, why) => {
      tally.skipped++
      console.log(`skip ${options.suite}: ${name}: ${why}`)
    },
  }
}

function checkOf(tally: Tally, name: string): Scenario['check'] {
  return async (sentence, run) => {
    const startedAtMs = performance.now()
    const took = (): string => `(${Math.round(performance.now() - startedAtMs)} ms)`
    try {
      const result = await run()
      tally.passed++
      console.log(`ok   ${name}: ${sentence} ${took()}`)
      return result
    } catch (error) {
      tally.failed++
      console.log(`FAIL ${name}: ${sentence} ${took()}`)
      for (const line of messageOf(error).split('\n').slice(0, 12)) console.log(`     ${line}`)
      throw new ScenarioEnded()
    }
  }
}

function unlessEnded(error: unknown): void {
  if (!(error instanceof ScenarioEnded)) throw error
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
