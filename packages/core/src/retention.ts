/** What is kept of each session. */
export interface Retention {
  /** At most so many checkpoints a session, the newest; pinned and labelled ones are exempt and not counted. */
  readonly maxCheckpoints?: number | undefined
}

/** OpenClaw's policy: the newest 25 of each session. */
export const openClawRetention: Retention = { maxCheckpoints: 25 }
