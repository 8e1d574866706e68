import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** The id of the session that `claudeCodeLines` repeats, and so the name of a file of them. */
export const claudeCodeSessionId = '8463c716-a2ea-4c14-9efa-87158ebd9f20'

/**
 * A Claude Code session without end: the lines of a real one over and over, each time with new entry ids, the first entry of a round the child
 * of the last one before it. The same every time.
 */
export async function* claudeCodeLines(fixturesFolder: string): AsyncGenerator<string, never, undefined> {
  const text = await readFile(join(fixturesFolder, 'claude-code/real', `${claudeCodeSessionId}.jsonl`), 'utf8')
  const lines = text.trimEnd().split('\n')
  const ids = new Set(lines.map((line) => JSON.parse(line).uuid).filter((id) => typeof id === 'string'))
  const lastId = [...ids].at(-1)
  for (let round = 0; ; round += 1) {
    const before = round === 0 || lastId === undefined ? 'null' : JSON.stringify(renewed(lastId, round - 1))
    let isFirst = true
    for (const line of lines) {
      const fresh = line.replace(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, (id) => (ids.has(id) ? renewed(id, round) : id))
      yield isFirst ? fresh.replace('"parentUuid":null', `"parentUuid":${before}`) : fresh
      isFirst &&= !fresh.includes('"parentUuid":null')
    }
  }
}

function renewed(id: string, round: number): string {
  if (round === 0) return id
  const digest = createHash('sha256').update(`${round} ${id}`).digest('hex')
  return `${digest.slice(0, 8)}-${digest.slice(8, 12)}-4${digest.slice(13, 16)}-8${digest.slice(17, 20)}-${digest.slice(20, 32)}`
}
