import { statSync } from 'node:fs'
import { shellQuoted, type TranscriptReader } from '@palimpsest/core'

/** A reader whose placements say when the folder in which the session worked is gone: agents start there, or find a session by it. */
export function mindingFolder(reader: TranscriptReader): TranscriptReader {
  return {
    ...reader,
    place(options) {
      const placement = reader.place(options)
      const { cwd } = options
      if (cwd === undefined || isFolder(cwd)) return placement
      const warning = `The folder in which the session worked is not there any more. Make it before you open the session: mkdir -p ${shellQuoted([cwd])}`
      return { ...placement, warnings: [...placement.warnings, warning] }
    },
  }
}

function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory()
  } catch (error) {
    // One that may not be looked into may be there.
    return !(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR'))
  }
}
