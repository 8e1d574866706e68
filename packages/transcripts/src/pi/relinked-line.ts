import type { IndexedEntry } from '@palimpsest/core'
import { asRecord, type JsonRecord } from '../json-fields.ts'
import { parseLine } from '../lines.ts'
import type { PiIndex } from './entries.ts'
import { readNote } from './entry-decoder.ts'
import { currentVersion, messageRole } from './format.ts'

/** The ids that entries have in a new file: eight hex digits of the line for those whose own can't stand there, else their own. */
export interface NewIds {
  of(id: string): string
  unused(): string
  /** Whether the line of an entry can stand in the new file as it is. */
  isVerbatim(position: number): boolean
}

/** The ids for the entries of a path. */
export function newIds(index: PiIndex, path: Int32Array): NewIds {
  const byOldId = new Map<string, string>()
  const given = new Set<string>()
  const unused = (line: number) => {
    let number = line
    let id = hex(number)
    while (given.has(id) || index.positionOf(id) !== undefined) {
      number += 0x1_0000
      id = hex(number)
    }
    given.add(id)
    return id
  }
  for (const position of path) {
    if (!index.alteredPositions.has(position)) continue
    const entry = index.entry(position)
    if (entry !== undefined && !isOwnId(entry)) byOldId.set(entry.id, unused(entry.line))
  }
  let next = index.size
  return {
    of: (id) => byOldId.get(id) ?? id,
    unused: () => unused(next++),
    isVerbatim(position) {
      if (index.alteredPositions.has(position)) return false
      if (byOldId.size === 0) return true
      const entry = index.entry(position)
      return entry !== undefined && !referencesOf(entry).some((id) => byOldId.has(id))
    },
  }
}

/**
 * A line as version 3 has it: with the id and the parent that its entry has in the new file, its references and roles of today. A line that
 * needs no more than an id and a parent gets them at its end and keeps every other byte.
 */
export function relinkedLine(bytes: Uint8Array, entry: IndexedEntry, version: number, newId: (id: string) => string): Uint8Array {
  const value = parseLine(bytes).value ?? {}
  const links = { id: newId(entry.id), parentId: entry.parentId === undefined ? null : newId(entry.parentId) }
  const references = newReferences(value, entry, version, newId)
  const text = new TextDecoder().decode(bytes)
  const spliced = Object.keys(references).length === 0 && value['id'] === undefined && value['parentId'] === undefined
  const close = text.lastIndexOf('}')
  const comma = Object.keys(value).length === 0 ? '' : ','
  const line = spliced
    ? `${text.slice(0, close)}${comma}${JSON.stringify(links).slice(1)}`
    : JSON.stringify({ ...value, ...references, ...links })
  return new TextEncoder().encode(`${line}\n`)
}

function newReferences(value: JsonRecord, entry: IndexedEntry, version: number, newId: (id: string) => string): JsonRecord {
  const references: Record<string, unknown> = {}
  if (value['type'] === 'compaction') {
    const firstKeptEntryId = entry.keeps?.firstKeptEntryId
    references['firstKeptEntryId'] = firstKeptEntryId === undefined ? undefined : newId(firstKeptEntryId)
    references['firstKeptEntryIndex'] = undefined
  }
  const targetId = targetOf(entry)
  if (targetId !== undefined && newId(targetId) !== value['targetId']) references['targetId'] = newId(targetId)
  if (version < currentVersion && messageRole(value) === 'hookMessage') {
    references['message'] = { ...asRecord(value['message']), role: 'custom' }
  }
  return references
}

function referencesOf(entry: IndexedEntry): readonly string[] {
  return [entry.parentId, entry.keeps?.firstKeptEntryId, targetOf(entry)].filter((id) => id !== undefined)
}

/** What an entry is about: the target of a label or an edit, or the leaf that OpenClaw's row names. */
function targetOf(entry: IndexedEntry): string | undefined {
  const note = readNote(entry.note)
  if ('targetId' in note) return note.targetId
  return entry.leafId === entry.id ? undefined : entry.leafId
}

/** Ids that a line lacks, or shares with another, are those that the decoder made up. */
function isOwnId(entry: IndexedEntry): boolean {
  return entry.id !== `L${entry.line}` && !entry.id.endsWith(`@L${entry.line}`)
}

function hex(number: number): string {
  return number.toString(16).padStart(8, '0')
}
