import type { PartName, Transcript, TranscriptSource } from '@palimpsest/core'

/** The bytes of a part, where the transcript has it. */
export async function sourceOf(transcript: Transcript, name: PartName): Promise<TranscriptSource | undefined> {
  for await (const part of transcript.parts()) if (part.name === name) return part.source
  return undefined
}
