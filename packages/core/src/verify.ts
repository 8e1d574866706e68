import type { Environment } from './environment.ts'
import { isCheckpointError } from './errors.ts'
import type { DamageProblem, Finding, SessionCheck } from './findings.ts'
import { checkFormat, replaceFormat } from './format.ts'
import { sessionName } from './keys.ts'
import { sessionsWithObjects } from './named-objects.ts'
import { repairSession } from './repair.ts'
import { refNames } from './session-index.ts'
import { objectKey } from './session-objects.ts'
import type { AbortOptions, Key } from './storage.ts'
import { touchedCheckpoints } from './touched-checkpoints.ts'
import { checkSession } from './verify-session.ts'

/** What to look at, and whether to mend it. */
export interface VerifyOptions extends AbortOptions {
  /** Mends what can be mended from other objects and from the agents' transcripts. */
  readonly repair?: boolean | undefined
  /** By default all. */
  readonly sessions?: readonly { readonly agent: string; readonly sessionKey: string }[] | undefined
  readonly onProgress?: ((progress: VerifyProgress) => void) | undefined
}

/** How far a verification has come. */
export interface VerifyProgress {
  readonly sessions: number
  readonly of: number
  readonly chunks: number
  readonly bytes: number
}

/** An object or a ref that is damaged, and every checkpoint that stands on it. */
export interface Damage {
  readonly key: string
  readonly problem: DamageProblem
  readonly checkpointIds: readonly string[]
}

/** What was found. */
export interface VerifyReport {
  /** What is damaged now. */
  readonly damaged: readonly Damage[]
  /** What was damaged before and isn't any more. */
  readonly repaired: readonly Damage[]
  readonly sessions: number
  readonly checkpoints: number
  readonly chunks: number
  /** Bytes that were read from storage. */
  readonly bytes: number
}

/** Reads everything in a store again, and mends what can be mended when that is wanted. */
export async function verifyStore(environment: Environment, options: VerifyOptions): Promise<VerifyReport> {
  const abort = { signal: options.signal }
  const repair = options.repair ?? false
  const format = await verifyFormat(environment, repair, abort)
  const names = await namesOf(environment, options, abort)
  const damaged: Damage[] = [...format.damaged]
  const repaired: Damage[] = [...format.repaired]
  const total = { sessions: 0, checkpoints: 0, chunks: 0, bytes: 0 }
  const progress = { chunks: 0, bytes: 0 }
  const tell = (): void => options.onProgress?.({ sessions: total.sessions, of: names.length, ...progress })
  for (const name of names) {
    const found = await verifySession(environment, name, repair, abort, (read) => {
      progress.chunks += read.chunks
      progress.bytes += read.bytes
      tell()
    })
    damaged.push(...found.damaged)
    repaired.push(...found.repaired)
    total.sessions += 1
    total.checkpoints += found.check.checkpoints
    total.chunks += found.check.chunks
    total.bytes += found.check.bytes
    tell()
  }
  return { damaged: damaged.sort(byKey), repaired: repaired.sort(byKey), ...total }
}

interface VerifiedSession {
  readonly check: SessionCheck
  readonly damaged: readonly Damage[]
  readonly repaired: readonly Damage[]
}

async function verifySession(
  environment: Environment,
  name: Key,
  repair: boolean,
  options: AbortOptions,
  onRead: Parameters<typeof checkSession>[3],
): Promise<VerifiedSession> {
  const check = await checkSession(environment, name, options, onRead)
  const damaged = await damages(environment, name, check, options)
  if (!repair || damaged.length === 0) return { check, damaged, repaired: [] }
  const lost = await repairSession(environment, name, check, options)
  const after = await checkSession(environment, name, options)
  const left = [...(await damages(environment, name, after, options)), ...lost]
  const stillThere = new Set(left.map(({ key }) => key))
  return { check: after, damaged: left, repaired: damaged.filter(({ key }) => !stillThere.has(key)) }
}

async function damages(environment: Environment, name: Key, check: SessionCheck, options: AbortOptions): Promise<readonly Damage[]> {
  const touched = await touchedCheckpoints(environment, name, check, options)
  return check.findings.map((finding, index) => ({
    key: keyOf(name, finding),
    problem: finding.problem,
    checkpointIds: touched[index] ?? [],
  }))
}

function keyOf(name: Key, finding: Finding): string {
  return finding.kind === 'ledger' ? name : objectKey(name, finding.object)
}

async function namesOf(environment: Environment, options: VerifyOptions, abort: AbortOptions): Promise<readonly Key[]> {
  const { sessions } = options
  if (sessions !== undefined) return [...new Set(sessions.map(({ agent, sessionKey }) => sessionName(agent, sessionKey)))]
  return [...new Set([...(await refNames(environment, abort)), ...(await sessionsWithObjects(environment, abort)).keys()])].sort()
}

/** The ref that names the format. A store of a newer version is an error; one whose ref is damaged is damage. */
async function verifyFormat(
  environment: Environment,
  repair: boolean,
  options: AbortOptions,
): Promise<{ readonly damaged: readonly Damage[]; readonly repaired: readonly Damage[] }> {
  try {
    await checkFormat(environment.storage, options)
    return { damaged: [], repaired: [] }
  } catch (error) {
    if (!isCheckpointError(error, 'CHECKPOINT_CORRUPT')) throw error
    const damage: Damage = { key: 'format', problem: error.details.problem, checkpointIds: [] }
    if (!repair) return { damaged: [damage], repaired: [] }
    await replaceFormat(environment.storage, options)
    return { damaged: [], repaired: [damage] }
  }
}

function byKey(one: Damage, other: Damage): number {
  return one.key < other.key ? -1 : 1
}
