import { execFile } from 'node:child_process'
import { appendFile } from 'node:fs/promises'

/** Runs `palimpsest capture` when OpenCode is about to compact, and writes down what it answered. It runs inside OpenCode. */
export const Capture = async () => ({
  'experimental.session.compacting': async ({ sessionID }) => {
    const words = [
      'capture',
      '--agent',
      'opencode',
      '--transcript',
      `${process.env.E2E_DATABASE}#${sessionID}`,
      '--reason',
      'manual',
      '--json',
    ]
    const answer = await new Promise((resolve) => {
      execFile(process.env.E2E_COMMAND, words, { env: process.env }, (error, stdout, stderr) =>
        resolve({ status: error === null ? 0 : 1, stdout, stderr }),
      )
    })
    await appendFile(process.env.E2E_LOG, `${JSON.stringify(answer)}\n`)
  },
})
