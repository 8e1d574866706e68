import type { CheckpointRow } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import type { Ledger } from './ledger.ts'
import { readPage, writePage } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'

/** How many rows of the trash move into a page together. */
const trashPageRows = 250

/** Where the trash of a ledger stands: in it, and in pages. */
type TrashOf = Pick<Ledger, 'trash' | 'trashPages'>

/** The pages of a ledger: those of its rows and those of its trash. */
export function pagesOf(ledger: Ledger): Ledger['pages'] {
  return [...ledger.pages, ...(ledger.trashPages ?? [])]
}

/** Every row of the trash, those in pages included, in the order in which they were moved there. */
export async function allTrash(
  environment: Environment,
  name: Key,
  { trash, trashPages = [] }: TrashOf,
  options: AbortOptions,
): Promise<readonly CheckpointRow[]> {
  const rows: CheckpointRow[] = []
  for (const { object } of trashPages) rows.push(...(await readPage(environment, name, object, options)))
  return [...rows, ...trash]
}

/** How a trash is laid out: pages of which every row is still in it stay, the rows of all others are in the ledger. */
interface TrashLayout {
  readonly trash: readonly CheckpointRow[]
  readonly trashPages: NonNullable<Ledger['trashPages']>
}

/** Lays `rows` out as the trash of a ledger. Reads its pages and writes nothing. */
async function trashLayoutOf(
  environment: Environment,
  name: Key,
  ledger: TrashOf,
  rows: readonly CheckpointRow[],
  options: AbortOptions,
): Promise<TrashLayout> {
  const left = new Map(rows.map((row) => [JSON.stringify(row), row]))
  const trashPages: Ledger['pages'] = []
  for (const page of ledger.trashPages ?? []) {
    const own = (await readPage(environment, name, page.object, options)).map((row) => JSON.stringify(row))
    if (!own.every((row) => left.has(row))) continue
    for (const row of own) left.delete(row)
    trashPages.push(page)
  }
  return { trash: [...left.values()], trashPages }
}

/** The ledger with `rows` as its trash. `unnamed` are the pages that it names no more. Those that are needed anew `withRows` writes. */
export async function withTrash(
  environment: Environment,
  name: Key,
  ledger: Ledger,
  rows: readonly CheckpointRow[],
  options: AbortOptions,
): Promise<{ ledger: Ledger; unnamed: readonly string[] }> {
  const { trash, trashPages } = await trashLayoutOf(environment, name, ledger, rows, options)
  const kept = new Set(trashPages.map(({ object }) => object))
  return {
    ledger: { ...ledger, trash: [...trash], trashPages: [...trashPages] },
    unnamed: (ledger.trashPages ?? []).map(({ object }) => object).filter((object) => !kept.has(object)),
  }
}

/**
 * The ledger with the rows of its trash that are too many for it moved into pages, 250 to each: there are never more than 249 in the ledger itself.
 * Pages that are there stay.
 */
export async function withTrashPages(environment: Environment, name: Key, ledger: Ledger, options: AbortOptions): Promise<Ledger> {
  const { trash, trashPages, ...rest } = ledger
  const pages = [...(trashPages ?? [])]
  let inline = trash
  for (; inline.length >= trashPageRows; inline = inline.slice(trashPageRows)) {
    pages.push(await writePage(environment, name, ledger, inline.slice(0, trashPageRows), options))
  }
  return { ...rest, trash: inline, ...(pages.length === 0 ? {} : { trashPages: pages }) }
}
