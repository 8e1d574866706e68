import type { Environment } from './environment.ts'
import { CheckpointError } from './errors.ts'
import { resolveRecord } from './resolve.ts'
import { storedSource } from './snapshot.ts'
import type { WithinSession } from './within-session.ts'

const pieceBytes = 1024 * 1024

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
  const wanted = options.part ?? 'main'
  const part = record.parts.find((candidate) => candidate.name === wanted)
  if (part === undefined) {
    const names = record.parts.map((candidate) => candidate.name).join(', ')
    throw new CheckpointError('ARGUMENT_INVALID', `This checkpoint has no part ${JSON.stringify(wanted)}. It has: ${names}.`, {
      argument: 'part',
      expected: names,
    })
  }
  const source = await storedSource({ environment, name, ledger }, part, options)
  for (let at = 0; at < part.bytes; at += pieceBytes) yield await source.read(at, Math.min(part.bytes, at + pieceBytes), options)
}
