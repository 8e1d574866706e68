import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { claudeCode } from './claude-code.ts'
import { codex } from './codex.ts'
import { copilot } from './copilot.ts'
import { faults } from './faults.ts'
import { gemini } from './gemini.ts'
import { hooks } from './hooks.ts'
import { installs } from './installs.ts'
import { mcp } from './mcp.ts'
import { openCode } from './opencode.ts'
import { pi } from './pi.ts'
import { workFolder } from './places.ts'
import { stopChildren } from './processes.ts'
import { room } from './room.ts'
import { courseOf, type Suite, type Tally } from './suite.ts'

/** The whole run ends after this, whatever hangs. */
const deadlineMs = 30 * 60_000

const suites: readonly Suite[] = [pi, claudeCode, codex, openCode, gemini, copilot, installs, hooks, mcp, room, faults]

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string' }, keep: { type: 'boolean' } },
})
const wanted = positionals.length === 0 ? suites : suites.filter((suite) => positionals.includes(suite.name))
if (wanted.length === 0 || wanted.length < positionals.length) {
  console.error(`usage: node e2e/run.ts [${suites.map((suite) => suite.name).join(' | ')}]… [--only TEXT] [--keep]`)
  process.exit(2)
}

const folder = join(workFolder, 'runs', String(process.pid))
const tally: Tally = { passed: 0, failed: 0, skipped: 0 }

process.on('exit', stopChildren)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void finish(130))
setTimeout(() => {
  tally.failed++
  console.log(`FAIL the run ends within ${deadlineMs / 60_000} minutes`)
  void finish(1)
}, deadlineMs).unref()

await mkdir(folder, { recursive: true, mode: 0o700 })
for (const suite of wanted) await suite.run(courseOf(tally, { suite: suite.name, folder, only: values.only }))
await finish(tally.failed > 0 ? 1 : 0)

async function finish(status: number): Promise<never> {
  stopChildren()
  if (values.keep === true) console.log(`     kept ${folder}`)
  else await rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  console.log(`${tally.passed} passed, ${tally.failed} failed${tally.skipped === 0 ? '' : `, ${tally.skipped} skipped`}`)
  process.exit(status)
}
