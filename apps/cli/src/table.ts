import CliTable from 'cli-table3'
import { renderText, type Text } from './text.ts'

/** Rows below headings. Numbers stand on the right. */
export interface Table {
  readonly columns: readonly { readonly title: string; readonly align?: 'left' | 'right' }[]
  readonly rows: readonly (readonly Text[])[]
}

/** A table without borders, two spaces between its columns, a cell a line. Columns that are empty in every row are left out. */
export function renderTable(table: Table, colors: boolean): string {
  const rendered = table.rows.map((row) => row.map((cell) => renderText(cell, { colors, line: true })))
  const shown = table.columns.flatMap((column, index) => (rendered.some((row) => row[index] !== '') ? [{ ...column, index }] : []))
  const drawn = new CliTable({
    head: shown.map(({ title }) => renderText(colors ? { text: title, style: 'dim' } : title, { colors })),
    colAligns: shown.map(({ align }) => align ?? 'left'),
    chars: noBorders,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2, compact: true },
  })
  for (const row of rendered) drawn.push(shown.map(({ index }) => row[index] ?? ''))
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n')
}

const noBorders = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '',
}
