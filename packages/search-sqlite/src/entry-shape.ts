import type { EntryKind, EntryRole } from '@palimpsest/core'
import { DamagedIndexError } from './columns.ts'

const kinds: readonly EntryKind[] = ['header', 'message', 'summary', 'boundary', 'state', 'unknown']
const roles: readonly (EntryRole | undefined)[] = [undefined, 'user', 'assistant', 'tool', 'system']
const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/** Kind and role of an entry as one small number. */
export function shapeOf({ kind, role }: { readonly kind: EntryKind; readonly role?: EntryRole | undefined }): number {
  return kinds.indexOf(kind) * roles.length + roles.indexOf(role)
}

/** Whether an entry of this shape has a role: it was said, not written down by a client of its own state. */
export function hasRole(shape: number): boolean {
  return shape % roles.length !== 0
}

/** The shapes of entries with one of these roles, or without any. */
export function shapesOf(wanted: readonly (EntryRole | undefined)[]): readonly number[] {
  return kinds.flatMap((_kind, at) => wanted.map((role) => at * roles.length + roles.indexOf(role)))
}

/** Kind and role from that number. */
export function ofShape(shape: number): { readonly kind: EntryKind; readonly role?: EntryRole } {
  const kind = kinds[Math.floor(shape / roles.length)]
  const role = roles[shape % roles.length]
  if (kind === undefined) throw new DamagedIndexError(`The search index has no kind of entry ${shape}.`)
  return role === undefined ? { kind } : { kind, role }
}

/** An id as it is kept: of a UUID its 16 bytes. */
export function storedId(id: string): string | Uint8Array {
  return uuidPattern.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : id
}

/** The id from what is kept of it. */
export function idOf(stored: unknown): string {
  if (typeof stored === 'string') return stored
  if (!(stored instanceof Uint8Array)) throw new DamagedIndexError('The search index has an entry without id.')
  const hex = Buffer.from(stored).toString('hex')
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-')
}
