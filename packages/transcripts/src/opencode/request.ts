import type { BadLine } from '@palimpsest/core'
import type { RowLine } from './entries.ts'

/** A prompt that is longer than this asks for no compaction, as far as the reader knows: OpenCode's own requests are one short part. */
const maxHeldBytes = 1 << 20

/**
 * Makes the line of a prompt a boundary where one of its parts asks for a compaction, since nothing in that line itself says so. Lines of a prompt
 * are held back until that part has come, or another message, or 1 MiB of parts. Lines come out in their order.
 */
export function boundaryMarker(): {
  next(line: RowLine | BadLine): readonly (RowLine | BadLine)[]
  end(): readonly (RowLine | BadLine)[]
} {
  let prompt: RowLine | undefined
  let behind: (RowLine | BadLine)[] = []
  let heldBytes = 0
  const released = (first: RowLine | undefined): readonly (RowLine | BadLine)[] => {
    const lines = first === undefined ? behind : [first, ...behind]
    prompt = undefined
    behind = []
    heldBytes = 0
    return lines
  }
  return {
    next(line) {
      const row = 'kind' in line ? undefined : line.row
      if (!('kind' in line) && row?.type === 'message') {
        const before = released(prompt)
        if (row.data?.['role'] !== 'user') return [...before, line]
        prompt = line
        return before
      }
      if (prompt === undefined) return [line]
      behind.push(line)
      const { start, end } = 'kind' in line ? line : line.indexed
      heldBytes += end - start
      if (row?.type === 'part' && row.messageId === prompt.row?.id && row.data?.['type'] === 'compaction') {
        return released({ ...prompt, indexed: { ...prompt.indexed, kind: 'boundary' } })
      }
      return heldBytes > maxHeldBytes ? released(prompt) : []
    },
    end: () => released(prompt),
  }
}
