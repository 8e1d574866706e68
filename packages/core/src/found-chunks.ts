import { boundedMap } from './bounded-map.ts'
import type { Environment } from './environment.ts'
import type { PlacedChunk } from './findings.ts'
import { epochOf, type SizedObjects } from './named-objects.ts'
import { readHeader } from './object-header.ts'
import type { AbortOptions, Key } from './storage.ts'

const headersAtOnce = 8

/** Every chunk that the headers of a session's objects name, whether a ledger names it or not. `stream` is what its writer believed. */
export async function foundChunks(
  environment: Environment,
  name: Key,
  objects: SizedObjects,
  options: AbortOptions,
): Promise<readonly PlacedChunk[]> {
  const found: PlacedChunk[] = []
  await boundedMap([...objects], headersAtOnce, async ([object, sizeBytes]) => {
    if (epochOf(object) === undefined) return
    const head = await readHeader(environment, name, object, sizeBytes, options)
    let offset = head?.sizeBytes ?? 0
    for (const [part, stream, firstByte, rawBytes, storedBytes, lines, digest] of head?.header.chunks ?? []) {
      if (offset + storedBytes <= sizeBytes) {
        found.push({ part, stream, firstByte, chunk: [object, offset, storedBytes, rawBytes, lines, digest] })
      }
      offset += storedBytes
    }
  })
  return found
}
