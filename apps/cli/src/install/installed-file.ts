import { createHash } from 'node:crypto'
import type { JsonEntry } from './json-entries.ts'
import { type WrittenJson, withEntries, withoutEntries } from './json-settings.ts'
import { withBlock, withoutBlock } from './toml-block.ts'

/** What an installation is about in one file: entries in JSON, a block in TOML, or all of a file that is ours alone. */
export type InstalledFile = { readonly path: string } & (
  | { readonly kind: 'json'; readonly entries: readonly JsonEntry[] }
  | { readonly kind: 'toml'; readonly body: string }
  | { readonly kind: 'whole'; readonly text: string }
)

/** What is known of earlier installations into a file: how it comes back to what it was, and by what our own writing is recognised. */
export interface FileRecord {
  readonly path: string
  /** What was there before: no file, one with nothing but blanks, or content. */
  readonly before: { readonly kind: 'missing' | 'content' } | { readonly kind: 'blank'; readonly text: string }
  /** Folders that were made for the file, the outermost first. */
  readonly createdFolders: readonly string[]
  /** What was written, newest first, at most four times. */
  readonly json: readonly WrittenJson[]
  readonly toml: readonly string[]
  /** Digests of whole files. */
  readonly whole: readonly string[]
}

/** What is to become of one file. */
export interface FilePlan {
  /** The text to be there; `undefined` for no file. */
  readonly after: string | undefined
  /** What is to be known of it then; `undefined` for nothing. */
  readonly record: FileRecord | undefined
  /** What of ours in it was edited by hand, and is left as it is. */
  readonly edited: readonly string[]
}

const rememberedTimes = 4

/** What an installation makes of a file that says `text`, or that is missing. Throws `SettingsRefused`. */
export function planInstall(file: InstalledFile, text: string | undefined, record: FileRecord | undefined): FilePlan {
  const known = record ?? freshRecord(file.path, text)
  switch (file.kind) {
    case 'json': {
      const isBlank = (text ?? '').trim() === ''
      const { text: after, written, edited } = withEntries(isBlank ? '{}\n' : (text ?? ''), file.entries, known.json)
      if (written === undefined) return { after: text, record, edited }
      return { after, record: { ...known, json: [written, ...known.json].slice(0, rememberedTimes) }, edited }
    }
    case 'toml': {
      const { text: after, written, edited } = withBlock(text ?? '', file.body, known.toml)
      if (edited) return { after: text, record, edited: ['the block of palimpsest'] }
      if (written === undefined) return { after: text, record, edited: [] }
      return { after, record: { ...known, toml: [written, ...known.toml].slice(0, rememberedTimes) }, edited: [] }
    }
    case 'whole': {
      if (text === file.text) return { after: text, record, edited: [] }
      if (text !== undefined && !known.whole.includes(digestOf(text))) return { after: text, record, edited: ['the whole file'] }
      return { after: file.text, record: { ...known, whole: [digestOf(file.text), ...known.whole].slice(0, rememberedTimes) }, edited: [] }
    }
  }
}

/** What an uninstallation makes of a file. Throws `SettingsRefused`. */
export function planUninstall(file: InstalledFile, text: string | undefined, record: FileRecord | undefined): FilePlan {
  if (text === undefined) return { after: undefined, record: undefined, edited: [] }
  switch (file.kind) {
    case 'json': {
      if (text.trim() === '') return { after: text, record: undefined, edited: [] }
      const { text: after, edited } = withoutEntries(text, file.entries, record?.json ?? [])
      return gone(after, after.replace(/\s/g, '') === '{}' && after !== text, record, edited)
    }
    case 'toml': {
      const { text: after, edited } = withoutBlock(text, file.body, record?.toml ?? [])
      return gone(after, after.trim() === '' && after !== text, record, edited ? ['the block of palimpsest'] : [])
    }
    case 'whole': {
      const isOurs = text === file.text || (record?.whole ?? []).includes(digestOf(text))
      return isOurs ? { after: undefined, record: undefined, edited: [] } : { after: text, record, edited: ['the whole file'] }
    }
  }
}

/** A file with nothing left in it becomes what it was before. */
function gone(after: string, isEmpty: boolean, record: FileRecord | undefined, edited: readonly string[]): FilePlan {
  const rest = edited.length === 0 ? undefined : record
  if (!isEmpty || record === undefined || record.before.kind === 'content') return { after, record: rest, edited }
  return { after: record.before.kind === 'blank' ? record.before.text : undefined, record: rest, edited }
}

function freshRecord(path: string, text: string | undefined): FileRecord {
  const isBlank = text?.trim() === ''
  const before =
    text === undefined ? { kind: 'missing' as const } : isBlank ? { kind: 'blank' as const, text } : { kind: 'content' as const }
  return { path, before, createdFolders: [], json: [], toml: [], whole: [] }
}

function digestOf(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}
