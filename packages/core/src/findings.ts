import type { CheckpointRow } from './checkpoint.ts'
import type { Chunk, Ledger } from './ledger.ts'
import type { PartName } from './transcript.ts'

/** What is wrong with a value: it is gone, it is not what was stored, or it says nothing that can be understood. */
export type DamageProblem = 'missing' | 'digest' | 'unreadable'

/** A chunk at its place in a part. */
export interface PlacedChunk {
  readonly part: PartName
  readonly stream: number
  readonly firstByte: number
  readonly chunk: Chunk
}

/** Something that is damaged in a session, with what is still right of it. */
export type Finding =
  | { readonly kind: 'ledger'; readonly problem: DamageProblem }
  | {
      readonly kind: 'page'
      readonly object: string
      readonly problem: DamageProblem
      readonly value: readonly CheckpointRow[] | undefined
    }
  | { readonly kind: 'record'; readonly object: string; readonly problem: DamageProblem; readonly value: unknown; readonly id: string }
  | ({ readonly kind: 'segment'; readonly problem: DamageProblem; readonly value: readonly Chunk[] | undefined } & SegmentPlace)
  | ({ readonly kind: 'chunks'; readonly problem: DamageProblem } & DamagedChunks)

/** Where a segment belongs. */
interface SegmentPlace {
  readonly object: string
  readonly part: PartName
  readonly stream: number
  readonly firstByte: number
}

/** An object of chunks: those of them that can't be read, and those that can. */
export interface DamagedChunks {
  readonly object: string
  readonly damaged: readonly PlacedChunk[]
  readonly intact: readonly PlacedChunk[]
}

/** What was looked at in a session, and what was found. */
export interface SessionCheck {
  readonly findings: readonly Finding[]
  /** The ledger, where it can be read. */
  readonly ledger: Ledger | undefined
  /** Rows that are known, those in the trash too. */
  readonly rows: readonly CheckpointRow[]
  readonly checkpoints: number
  readonly chunks: number
  readonly bytes: number
}
