// pi's own SessionManager, spoken to in lines of JSON: `{ "call": name, "with": [arguments] }` is answered with `{ "gave": value }` or
// `{ "failed": message }`. In a process of its own, since the module belongs to the client and may do to files what it likes.
// Imported by URL, because the package exports only the whole program, which takes seconds to load.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { isRecord, listAt, textAt } from './json-value.ts'

interface Manager {
  readonly [method: string]: (...values: readonly unknown[]) => unknown
}

interface SessionManagerModule {
  readonly SessionManager: {
    create(cwd: string, folder: string): Manager
    open(file: string): Manager
  }
}

const { SessionManager }: SessionManagerModule = await import(pathToFileURL(process.argv[2] ?? '').href)

let manager: Manager | undefined

// Not readline, which ends lines at U+2028 too.
let rest = ''
for await (const text of process.stdin.setEncoding('utf8')) {
  const lines = `${rest}${text}`.split('\n')
  rest = lines.pop() ?? ''
  for (const line of lines) console.log(JSON.stringify(answered(line)))
}

function answered(line: string): unknown {
  try {
    const request: unknown = JSON.parse(line)
    return { gave: answer(textAt(request, 'call'), listAt(request, 'with')) ?? null }
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) }
  }
}

function answer(call: string, values: readonly unknown[]): unknown {
  if (call === 'create') {
    manager = SessionManager.create(String(values[0]), String(values[1]))
    return undefined
  }
  if (call === 'open') {
    const file = String(values[0])
    const bytes = readFileSync(file)
    manager = SessionManager.open(file)
    return { rewritten: !bytes.equals(readFileSync(file)) }
  }
  if (manager === undefined) throw new Error('no session is open')
  if (call === 'state') return stateOf(manager)
  const method = manager[call]
  if (method === undefined) throw new Error(`SessionManager has no ${call}`)
  return method.call(manager, ...values)
}

function stateOf(session: Manager): unknown {
  const entries = session['getEntries']?.()
  if (!Array.isArray(entries)) throw new Error('getEntries gives no list')
  const ids = new Set(entries.map((entry: unknown) => textAt(entry, 'id')))
  const dangling = entries.filter((entry: unknown) => isRecord(entry) && entry['parentId'] !== null && !ids.has(String(entry['parentId'])))
  return {
    file: session['getSessionFile']?.(),
    sessionId: session['getSessionId']?.(),
    leafId: session['getLeafId']?.(),
    entries: entries.length,
    distinctIds: ids.size,
    dangling: dangling.length,
    labels: [...ids].flatMap((id) => (session['getLabel']?.(id) === undefined ? [] : [[id, session['getLabel']?.(id)]])),
    ids: [...ids],
    context: session['buildSessionContext']?.(),
  }
}
