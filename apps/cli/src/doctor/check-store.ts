import { access, constants } from 'node:fs/promises'
import { parseKey } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { shellQuote } from '../shell-quote.ts'
import { counted } from '../text.ts'
import type { DoctorContext, Finding } from './finding.ts'

const pageLimit = 1000

/** The store: where, how much, which format, and whether it can be written. Throws what storage does. */
export async function checkStore({ host, signal, commandLine }: DoctorContext): Promise<readonly Finding[]> {
  const { storage, storeUrl, configuration, checkpoints } = host
  let sessions = 0
  let damaged = 0
  let sizeBytes = 0
  for (let cursor: string | undefined; ; ) {
    const page = await checkpoints.sessions({ limit: pageLimit, cursor, signal })
    sessions += page.sessions.length
    damaged += page.problems.length
    sizeBytes += page.sessions.reduce((sum, session) => sum + session.storedBytes, 0)
    cursor = page.nextCursor
    if (cursor === undefined) break
  }
  const format = await formatOf(storage)
  const findings: Finding[] = [
    { check: 'store', level: 'ok', message: `${storeUrl}: ${counted(sessions, 'session')}, ${byteSize(sizeBytes)}, ${format}.` },
  ]
  if (damaged > 0) {
    const message = `${counted(damaged, 'session')} of the store can't be read.`
    findings.push({ check: 'store', level: 'warning', message, mend: commandLine('verify', '--repair') })
  }
  const { store } = configuration
  if (store.kind === 'folder' && !(await isWritable(store.folder))) {
    const message = `${store.folder} can be read, but not written: nothing is captured.`
    findings.push({ check: 'store', level: 'warning', message, mend: shellQuote(['chmod', 'u+rwx', store.folder]) })
  }
  return findings
}

async function formatOf(storage: DoctorContext['host']['storage']): Promise<string> {
  const ref = await storage.refs.read(parseKey('format'))
  if (ref === undefined) return 'empty'
  const value: unknown = JSON.parse(Buffer.from(ref.value).toString('utf8'))
  return typeof value === 'object' && value !== null && 'format' in value ? `format ${String(value.format)}` : 'no format'
}

async function isWritable(folder: string): Promise<boolean> {
  return access(folder, constants.W_OK | constants.X_OK).then(
    () => true,
    (error: unknown) => error instanceof Error && 'code' in error && error.code === 'ENOENT',
  )
}
