// What a test lets an agent (Claude Code, unless it is named) run before it compacts: captures the transcript that the hook's input names, and logs how that went.
// Says nothing on standard output, which would go into the instructions of the summary.
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { isRecord, textAt } from './json-value.ts'

const [command = '', store = '', log = '', agent = 'claude-code'] = process.argv.slice(2)
const input: unknown = JSON.parse(readFileSync(0, 'utf8'))
const path = textAt(input, 'transcript_path')
const reason = textAt(input, 'trigger') === 'manual' ? 'manual' : 'auto-threshold'
const words = ['capture', '--agent', agent, '--transcript', path, '--reason', reason, '--store', store, '--json']
appendFileSync(log, `${JSON.stringify({ input, hasBoundary: hasBoundary(), ...captured() })}\n`)

function captured(): { readonly status: number; readonly answer: unknown } {
  try {
    const answer: unknown = JSON.parse(
      execFileSync(command, words, { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }),
    )
    return { status: 0, answer }
  } catch (error) {
    return { status: 1, answer: isRecord(error) ? `${String(error['stdout'])} ${String(error['stderr'])}` : String(error) }
  }
}

function hasBoundary(): boolean {
  return readFileSync(path, 'utf8').includes(agent === 'codex' ? '"type":"compacted"' : '"subtype":"compact_boundary"')
}
