import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { FileRecord } from './installed-file.ts'
import type { JsonValue } from './json-entries.ts'
import { replaceFile } from './replace-file.ts'

const jsonValue: z.ZodType<JsonValue> = z.lazy(() =>
  z.union([z.string(), z.number(), z.boolean(), z.null(), z.array(jsonValue), z.record(z.string(), jsonValue)]),
)

const recordSchema = z.object({
  version: z.literal(1),
  path: z.string(),
  before: z.union([z.object({ kind: z.enum(['missing', 'content']) }), z.object({ kind: z.literal('blank'), text: z.string() })]),
  createdFolders: z.array(z.string()),
  json: z.array(
    z.object({
      entries: z.array(z.object({ at: z.array(z.string()), name: z.string().optional(), value: jsonValue })),
      insertions: z.array(z.object({ text: z.string(), comma: z.enum(['added', 'there', 'none']) })),
      created: z.array(z.array(z.string())),
    }),
  ),
  toml: z.array(z.string()),
  whole: z.array(z.string()),
})

/** The memory of what was installed, a small file for each file that was changed, in the user's own state folder. It holds nothing but our own text. */
export interface FileRecords {
  /** `undefined` where nothing is known, or what is known can't be read. */
  read(path: string): Promise<FileRecord | undefined>
  /** Atomic and durable; `undefined` forgets the file. */
  write(path: string, record: FileRecord | undefined): Promise<void>
  /** Every file of which something is known, and since when: when it was last written to. */
  list(): Promise<readonly { readonly record: FileRecord; readonly sinceMs: number }[]>
}

/** The records in a folder, which is made when the first is written. */
export function fileRecords(folder: string): FileRecords {
  const fileOf = (path: string): string => join(folder, `${createHash('sha256').update(path).digest('hex').slice(0, 32)}.json`)
  return {
    read: (path) => readRecord(fileOf(path)),
    async write(path, record) {
      if (record === undefined) return rm(fileOf(path), { force: true })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      await replaceFile(fileOf(path), `${JSON.stringify({ version: 1, ...record })}\n`, 0o600)
    },
    async list() {
      const names = await readdir(folder).catch(() => [])
      const files = names.filter((name) => name.endsWith('.json')).map((name) => join(folder, name))
      const records = await Promise.all(
        files.map(async (file) => ({ record: await readRecord(file), sinceMs: (await stat(file).catch(() => undefined))?.mtimeMs ?? 0 })),
      )
      return records.flatMap(({ record, sinceMs }) => (record === undefined ? [] : [{ record, sinceMs }]))
    },
  }
}

async function readRecord(file: string): Promise<FileRecord | undefined> {
  try {
    return recordSchema.safeParse(JSON.parse(await readFile(file, 'utf8'))).data
  } catch {
    return undefined
  }
}
