// What a test lets a client run before it compacts: captures the transcript that the hook's input names, and logs how that went. Says nothing.
import { execFileSync } from 'node:child_process'
import { appendFileSync, readFileSync } from 'node:fs'
import { at, textAt } from './json-value.ts'

const [agent = '', command = '', store = '', log = ''] = process.argv.slice(2)
const input: unknown = JSON.parse(readFileSync(0, 'utf8'))
const path = typeof at(input, 'transcriptPath') === 'string' ? textAt(input, 'transcriptPath') : textAt(input, 'transcript_path')
const reason = at(input, 'trigger') === 'manual' ? 'manual' : 'auto-threshold'
const words = ['capture', '--agent', agent, '--transcript', path, '--reason', reason, '--store', store, '--json']
const answer: unknown = JSON.parse(execFileSync(command, words, { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }))
appendFileSync(log, `${JSON.stringify({ input, answer })}\n`)
