import type { TranscriptReader } from '@palimpsest/core'

/** A session that a reader must understand, and what is true of it. Bytes are made by a function, so that no case can change another's. */
export interface ReaderSample {
  /** What it shows, in words. */
  readonly name: string
  /** The path it would lie at; nothing is read from there. */
  readonly path: string
  readonly main: () => Uint8Array
  readonly sidecars?: Readonly<Record<string, () => Uint8Array>> | undefined
  /** Names that lie beside the main part. */
  readonly siblings?: readonly string[] | undefined
  readonly sessionKey: string
  readonly sessionId: string
  /** The leaf after the last line. */
  readonly leafId: string
  /** How many entries the model saw at the leaf. */
  readonly contextCount: number
  /** Oldest first. */
  readonly compactions: readonly {
    readonly leafId: string
    readonly tokensBefore?: number | undefined
    /** How many entries the model saw before it. */
    readonly contextCount: number
  }[]
}

/** A reader and the sessions on which it is tried. */
export interface ReaderCaseContext {
  readonly reader: TranscriptReader
  readonly sample: ReaderSample
}

export type ReaderCaseGroup = 'recognition' | 'lines' | 'structure' | 'rewrite'

/** One clause of the contract of a transcript reader. Plain data, as the storage cases are. */
export interface ReaderCase {
  /** `<group>/<few-words>`; stays the same for ever. */
  readonly id: string
  readonly group: ReaderCaseGroup
  readonly name: string
  run(context: ReaderCaseContext): Promise<void>
}
