import { CheckpointError, type OpenTranscript, type PartName, type TranscriptOrigin } from '@palimpsest/core'
import { isSidecarName } from './files/part-name.ts'
import { assertInside } from './files/regular-file.ts'

/**
 * A transcript whose parts are given as bytes: `main`, and sidecars by their names, in the order given. The bytes are not copied; don't change
 * them while the transcript is in use. `companions` are the small files that a file would have beside it. Throws `TRANSCRIPT_UNREADABLE`
 * without a main part, and `ARGUMENT_INVALID` for a name that no sidecar can have.
 */
export function bytesTranscript(
  parts: Readonly<Record<PartName, Uint8Array>>,
  options: { readonly path?: string | undefined; readonly companions?: Readonly<Record<string, Uint8Array>> | undefined } = {},
): TranscriptOrigin {
  const { main, ...sidecars } = parts
  if (main === undefined) throw new CheckpointError('TRANSCRIPT_UNREADABLE', 'A transcript needs a part named main.', {})
  const wrongName = Object.keys(sidecars).find((name) => !isSidecarName(name))
  if (wrongName !== undefined) {
    const message = `${JSON.stringify(wrongName)} can't be the name of a sidecar: segments of letters, digits, dots, hyphens and underscores, joined by /.`
    throw new CheckpointError('ARGUMENT_INVALID', message, { argument: 'parts', expected: '[A-Za-z0-9._-]+' })
  }
  const path = options.path === undefined ? {} : { path: options.path }
  const named = [['main', main], ...Object.entries(sidecars)] satisfies [string, Uint8Array][]
  const companions = new Map(Object.entries(options.companions ?? {}))
  const transcript: OpenTranscript = {
    ...path,
    async *parts() {
      for (const [name, bytes] of named) yield { name, source: sourceOf(bytes) }
    },
    companion: async (name) => {
      const bytes = companions.get(name)
      return bytes === undefined ? undefined : copyOf(bytes)
    },
    close: async () => undefined,
    unchanged: async () => true,
  }
  return { ...path, open: async () => transcript }
}

function sourceOf(bytes: Uint8Array): { sizeBytes: number; read(start: number, end: number): Promise<Uint8Array> } {
  const sizeBytes = bytes.length
  return {
    sizeBytes,
    read: async (start, end) => {
      assertInside({ start, end, sizeBytes })
      return copyOf(bytes.subarray(start, end))
    },
  }
}

/** A `Buffer`'s own `slice` would share its memory. */
function copyOf(bytes: Uint8Array): Uint8Array {
  return new Uint8Array(bytes)
}
