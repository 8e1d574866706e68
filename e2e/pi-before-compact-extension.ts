// An extension that a test loads into pi: captures the session before it is compacted, and logs how that went.
import { execFileSync } from 'node:child_process'
import { appendFileSync } from 'node:fs'

interface Extended {
  on(event: 'session_before_compact', handler: (event: unknown, context: SessionContext) => void): void
}

interface SessionContext {
  readonly sessionManager: { getSessionFile(): string; getLeafId(): string }
}

const { E2E_COMMAND: command = '', E2E_LOG: log = '', PALIMPSEST_STORE: store = '' } = process.env

// pi takes the default export of an extension.
// biome-ignore lint/style/noDefaultExport: the interface of pi's extensions
export default function extend(pi: Extended): void {
  pi.on('session_before_compact', (_event, { sessionManager }) => {
    const [path, leafId] = [sessionManager.getSessionFile(), sessionManager.getLeafId()]
    const words = ['capture', '--agent', 'pi', '--transcript', path, '--leaf-id', leafId, '--reason', 'manual', '--store', store, '--json']
    try {
      const answer: unknown = JSON.parse(
        execFileSync(command, words, { encoding: 'utf8', timeout: 30_000, stdio: ['ignore', 'pipe', 'pipe'] }),
      )
      appendFileSync(log, `${JSON.stringify({ status: 0, leafId, answer })}\n`)
    } catch (error) {
      appendFileSync(log, `${JSON.stringify({ status: 1, leafId, answer: String(error) })}\n`)
    }
  })
}
