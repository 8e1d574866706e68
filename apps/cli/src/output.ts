import type { Writable } from 'node:stream'
import { jsonText } from './json-text.ts'
import type { Table } from './table.ts'
import { renderText, type Text } from './text.ts'
import { writeAll } from './write-all.ts'

/** What a command prints for people: paragraphs and tables, a line break after each. */
export type Block = Text | Table

/** The one place through which commands write. */
export interface Output {
  /** The result of a command on standard output: under `--json` the value and nothing else, otherwise the blocks. */
  result(value: object, blocks: () => readonly Block[]): Promise<void>
  /** Bytes on standard output, as they are. */
  bytes(bytes: Uint8Array): Promise<void>
  /** Lines for people on standard error. */
  note(...lines: readonly Text[]): Promise<void>
}

export interface OutputOptions {
  readonly json: boolean
  readonly stdout: Writable
  readonly stderr: Writable
  readonly stdoutIsTerminal: boolean
  readonly stderrIsTerminal: boolean
  /** Whether a terminal may be given colours: asked when something is written, since the command line says it too. */
  readonly mayColor: () => boolean
}

export function createOutput(options: OutputOptions): Output {
  return {
    async result(value, blocks) {
      const text = options.json
        ? jsonText(value, { indent: options.stdoutIsTerminal })
        : await renderBlocks(blocks(), options.stdoutIsTerminal && options.mayColor())
      await writeAll(options.stdout, `${text}\n`)
    },
    async bytes(bytes) {
      await writeAll(options.stdout, bytes)
    },
    async note(...lines) {
      const colors = options.stderrIsTerminal && options.mayColor()
      if (lines.length > 0) await writeAll(options.stderr, lines.map((line) => `${renderText(line, { colors })}\n`).join(''))
    },
  }
}

async function renderBlocks(blocks: readonly Block[], colors: boolean): Promise<string> {
  const rendered: string[] = []
  for (const block of blocks) {
    if (typeof block === 'object' && 'columns' in block) {
      // Loaded for the commands that show one: it takes longer than everything else here.
      const { renderTable } = await import('./table.ts')
      rendered.push(renderTable(block, colors))
    } else {
      rendered.push(renderText(block, { colors }))
    }
  }
  return rendered.join('\n')
}
