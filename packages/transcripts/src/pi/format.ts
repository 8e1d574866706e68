import { asName, asNumber, asRecord, asString, type JsonRecord } from '../json-fields.ts'

// pi's session format, version 3, as its SessionManager 0.73.1 and 1.5.2 read and write it; OpenClaw's is the same with rows of its own.

/** The version that is written. Version 1 has no ids: it is a list; version 2 has roles of an older name. */
export const currentVersion = 3

/** The first line of a session. */
export interface PiHeader {
  readonly sessionId: string
  readonly version: number
  readonly cwd?: string | undefined
  /** The path of the session it was branched from, as pi writes it. */
  readonly parentPath?: string | undefined
}

/** The header that a line is, or `undefined` for any other line. */
export function piHeader(value: JsonRecord): PiHeader | undefined {
  const sessionId = asName(value['id'])
  if (value['type'] !== 'session' || sessionId === undefined) return undefined
  const cwd = asName(value['cwd'])
  const parentPath = asName(value['parentSession']) ?? asName(value['branchedFrom'])
  return {
    sessionId,
    version: asNumber(value['version']) ?? 1,
    ...(cwd === undefined ? {} : { cwd }),
    ...(parentPath === undefined ? {} : { parentPath }),
  }
}

/** Entries that have no message for the model, and are understood. */
export const stateTypes: ReadonlySet<string> = new Set([
  'context_edit',
  'custom',
  'label',
  'leaf',
  'metadata',
  'model_change',
  'session_info',
  'thinking_level_change',
  'usage',
])

/** The role of the message that a `message` line holds, or `undefined` when it holds none. */
export function messageRole(value: JsonRecord): string | undefined {
  return asString(asRecord(value['message'])?.['role'])
}

const checkpointCopyName = /^(.+)\.checkpoint\.([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})\.jsonl$/i

/**
 * The copy that OpenClaw 2026.4.7 to 2026.5.20 made of a session before a compaction, by its file's name: `<session>.checkpoint.<uuid>.jsonl`. The
 * UUID is the file's alone: the record in `sessions.json` has another one.
 */
export function checkpointCopy(fileName: string): { readonly copyId: string; readonly sessionName: string } | undefined {
  const [, sessionName, copyId] = checkpointCopyName.exec(fileName) ?? []
  return sessionName === undefined || copyId === undefined ? undefined : { copyId: copyId.toLowerCase(), sessionName }
}

/** The last segment of a path, whatever system wrote it. */
export function baseName(path: string): string {
  return path.slice(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1)
}

/** The session id in the path of a session file: what follows pi's timestamp, else the file's base name. */
export function sessionIdOfPath(path: string): string | undefined {
  const fileName = baseName(path)
  const name = checkpointCopy(fileName)?.sessionName ?? fileName.replace(/\.jsonl$/, '')
  const sessionId = name.replace(/^\d{4}-\d{2}-\d{2}T[\d-]+Z_/, '')
  return /^[A-Za-z0-9._-]+$/.test(sessionId) ? sessionId : undefined
}
