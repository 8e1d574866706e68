import type { CheckpointRecord } from './checkpoint.ts'
import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { resolveRecord } from './resolve.ts'
import { storedSource } from './snapshot.ts'
import type { WithinSession } from './within-session.ts'

const pieceBytes = 1024 * 1024
const mostNamed = 20

/** One part of a checkpoint. */
export interface CheckpointPart {
  readonly name: string
  readonly sizeBytes: number
}

/** The main part and the sidecars of a checkpoint. */
export async function partsOfCheckpoint(environment: Environment, id: string, within: WithinSession): Promise<readonly CheckpointPart[]> {
  const { record } = await resolveRecord(environment, id, within)
  return record.parts.map((part) => ({ name: part.name, sizeBytes: part.bytes }))
}

/** The exact bytes of one part, each verified before it is given. */
export async function* rawBytes(
  environment: Environment,
  id: string,
  options: WithinSession & { readonly part?: string | undefined },
): AsyncGenerator<Uint8Array> {
  const { name, ledger, record } = await resolveRecord(environment, id, options)
  const part = partNamed(record, options.part ?? 'main')
  const source = await storedSource({ environment, name, ledger }, part, options)
  for (let at = 0; at < part.bytes; at += pieceBytes) yield await source.read(at, Math.min(part.bytes, at + pieceBytes), options)
}

/** The part of a checkpoint that has this name. Throws `ARGUMENT_INVALID` for none, and says which there are. */
export function partNamed({ parts }: CheckpointRecord, name: string): CheckpointRecord['parts'][number] {
  const part = parts.find((candidate) => candidate.name === name)
  if (part !== undefined) return part
  const names = parts.slice(0, mostNamed).map((candidate) => candidate.name)
  const more = parts.length > mostNamed ? `, and ${parts.length - mostNamed} more` : ''
  throw new CheckpointError(
    'ARGUMENT_INVALID',
    `This checkpoint has no part ${JSON.stringify(name)}. It has: ${names.join(', ')}${more}.`,
    {
      argument: 'part',
      expected: names.join(', '),
    },
  )
}
