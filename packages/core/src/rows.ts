import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import type { PutOptions } from './puts.ts'
import { readPage, writePage } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { withTrashPages } from './trash.ts'

/** How many rows stay in the ledger itself, and how many make a page. */
const inlineRows = 500
const pageRows = 250

/** Newest first: by `createdAt`, then id. */
export function byNewest(left: { createdAt: number; id: string }, right: { createdAt: number; id: string }): number {
  if (left.createdAt !== right.createdAt) return right.createdAt - left.createdAt
  return left.id < right.id ? 1 : left.id > right.id ? -1 : 0
}

/** Every row of a session, newest first, those in pages included. */
export async function allRows(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  options: AbortOptions,
): Promise<readonly CheckpointRow[]> {
  if (ledger.pages.length === 0) return ledger.checkpoints
  const rows = [...ledger.checkpoints]
  for (const page of ledger.pages) rows.push(...(await readPage(environment, name, page.object, options)))
  return rows.sort(byNewest)
}

/** How rows are laid out: those in the ledger, and runs of older ones, each with the stored page that has exactly these where there is one. */
export interface RowLayout {
  readonly inline: readonly CheckpointRow[]
  readonly pages: readonly { readonly rows: readonly CheckpointRow[]; readonly page: Ledger['pages'][number] | undefined }[]
}

/** Lays rows out: the newest 500 to 749 in the ledger, older ones in pages. Pages whose rows did not change stay. Writes nothing. */
export async function layoutOf(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  options: AbortOptions,
): Promise<RowLayout> {
  const sorted = [...rows].sort(byNewest)
  const paged = Math.max(0, Math.floor((sorted.length - inlineRows) / pageRows)) * pageRows
  if (paged === 0) return { inline: sorted, pages: [] }
  const known = new Map<string, Ledger['pages'][number]>()
  for (const page of ledger.pages) known.set(fingerprint(await readPage(environment, name, page.object, options)), page)
  const pages: RowLayout['pages'][number][] = []
  // Pages are cut from the oldest end, so that a new checkpoint changes none of them.
  for (let end = sorted.length; end > sorted.length - paged; end -= pageRows) {
    const slice = sorted.slice(end - pageRows, end)
    pages.unshift({ rows: slice, page: known.get(fingerprint(slice)) })
  }
  return { inline: sorted.slice(0, sorted.length - paged), pages }
}

/** The ledger with `rows` as its rows, laid out, and the trash within its bounds; new pages are stored. `unnamed` are those that the new ledger names no more. */
export async function withRows(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  options: PutOptions,
): Promise<{ ledger: Ledger; unnamed: readonly string[] }> {
  const layout = await layoutOf(environment, name, ledger, rows, options)
  const pages: Ledger['pages'] = []
  for (const { rows: slice, page } of layout.pages) pages.push(page ?? (await writePage(environment, name, ledger, slice, options)))
  const named = new Set(pages.map((page) => page.object))
  return {
    ledger: await withTrashPages(environment, name, { ...ledger, checkpoints: [...layout.inline], pages }, options),
    unnamed: ledger.pages.map((page) => page.object).filter((object) => !named.has(object)),
  }
}

function fingerprint(rows: readonly CheckpointRow[]): string {
  return JSON.stringify(rows)
}
