import assert from 'node:assert/strict'
import type { Checkpoint, Checkpoints } from '@palimpsest/core'
import { bytesTranscript } from '@palimpsest/transcripts'
// @boundaries-ignore looks below the public surface on purpose
import fc from 'fast-check'
import { assertReadsBack, listedIds } from './kept.ts'

/** Something that happens to a session or its checkpoints. `which` chooses among what there is. */
export type Step =
  | { readonly kind: 'append'; readonly turns: number; readonly textLength: number }
  | { readonly kind: 'append a torn line' | 'compact' | 'import' | 'import again' | 'prune' | 'empty the trash' }
  | { readonly kind: 'rewrite the tail' | 'truncate' | 'rewrite in place'; readonly at: number }
  | { readonly kind: 'capture'; readonly reason: 'manual' | 'requested' | 'session-end' }
  | { readonly kind: 'complete' | 'abandon'; readonly which: number }
  | { readonly kind: 'delete' | 'undelete'; readonly which: number }

/** Any sequence of steps, in which what an agent does around a compaction comes more often than chance would have it. */
export function anySteps(maxLength: number): fc.Arbitrary<readonly Step[]> {
  const alone = anyStep().map((step) => [step])
  const pieces = fc.oneof({ weight: 8, arbitrary: alone }, { weight: 1, arbitrary: aroundCompaction() })
  return fc.array(pieces, { minLength: 2, maxLength, size: 'max' }).map((each) => each.flat().slice(0, maxLength))
}

/** A capture, a compaction that follows or doesn't, lines between them or none, and what comes of the next capture. */
function aroundCompaction(): fc.Arbitrary<readonly Step[]> {
  const append: Step = { kind: 'append', turns: 1, textLength: 30 }
  const capture: Step = { kind: 'capture', reason: 'manual' }
  const steps: readonly Step[] = [capture, append, { kind: 'compact' }, append, capture, { kind: 'abandon', which: 0 }]
  return fc.tuple(...steps.map(() => fc.nat({ max: 5 }))).map((chances) => steps.filter((_, index) => chances[index] !== 0))
}

function anyStep(): fc.Arbitrary<Step> {
  const which = fc.nat({ max: 9 })
  const at = fc.double({ min: 0, max: 1, noNaN: true })
  const textLength = fc.oneof(
    { weight: 12, arbitrary: fc.nat({ max: 400 }) },
    { weight: 1, arbitrary: fc.integer({ min: 300_000, max: 700_000 }) },
  )
  return fc.oneof(
    { weight: 6, arbitrary: fc.record({ kind: fc.constant('append'), turns: fc.integer({ min: 1, max: 3 }), textLength }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'append a torn line' }) },
    { weight: 3, arbitrary: fc.constant({ kind: 'compact' }) },
    { weight: 2, arbitrary: fc.constant({ kind: 'import' }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constantFrom('import again', 'prune', 'empty the trash') }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constantFrom('rewrite the tail', 'truncate', 'rewrite in place'), at }) },
    {
      weight: 7,
      arbitrary: fc.record({ kind: fc.constant('capture'), reason: fc.constantFrom('manual', 'manual', 'requested', 'session-end') }),
    },
    { weight: 5, arbitrary: fc.record({ kind: fc.constantFrom('complete', 'abandon'), which }) },
    { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('delete', 'undelete'), which }) },
  )
}

/** Checks a property so many times, or as long as there is time. Rejects with the seed, the path and the shortest sequence that breaks it. */
export async function checkProperty(
  steps: fc.Arbitrary<readonly Step[]>,
  bounds: { readonly runs: number } | { readonly timeMs: number },
  holds: (steps: readonly Step[]) => Promise<void>,
): Promise<void> {
  const options = 'runs' in bounds ? { numRuns: bounds.runs } : { numRuns: 1_000_000, interruptAfterTimeLimit: bounds.timeMs }
  await fc.assert(fc.asyncProperty(steps, holds), options)
}

/** What the model knows of a checkpoint. */
interface Known {
  readonly bytes: Uint8Array
  readonly status: Checkpoint['status']
  readonly reason: Checkpoint['reason']
  readonly boundaryId: string | undefined
}

interface Model {
  /** The transcript as it stands, its last line perhaps torn. */
  text: string
  /** What is still missing of a torn last line. */
  rest: string
  nextId: number
  leaf: string | null
  readonly kept: Map<string, Known>
  readonly trash: Map<string, Known>
}

/** Takes the steps one after the other; rejects as soon as a checkpoint that must be there doesn't read back exactly. */
export async function takeSteps(
  service: Checkpoints,
  steps: readonly Step[],
  afterwards: () => Promise<void> = async () => undefined,
): Promise<void> {
  const model = newModel()
  for (const [index, step] of steps.entries()) {
    const where = `after step ${index}, ${step.kind}`
    await take(service, model, step, where)
    await afterwards()
    for (const [id, { bytes }] of model.kept) await assertReadsBack(service, id, { main: bytes }, where)
    assert.deepEqual([...(await listedIds(service, where))].sort(), [...model.kept.keys()].sort(), `what is listed ${where}`)
  }
  assert.deepEqual((await service.verify()).damaged, [], 'what is damaged in the end')
}

/** Prunes; a second time nothing is left to do. */
async function assertPruned(service: Checkpoints, options: { readonly trashMs?: number }, where: string): Promise<void> {
  assert.deepEqual((await service.prune(options)).problems, [], `what is pruned ${where}`)
  const { purged, freedBytes } = await service.prune(options)
  assert.deepEqual({ purged, freedBytes }, { purged: 0, freedBytes: 0 }, `what is pruned again ${where}`)
}

function newModel(): Model {
  const header = { type: 'session', version: 3, id: 'random', timestamp: '2026-01-02T03:04:00.000Z', cwd: '/home/dev/app' }
  const model: Model = { text: `${JSON.stringify(header)}\n`, rest: '', nextId: 0, leaf: null, kept: new Map(), trash: new Map() }
  appendTurn(model, 10)
  return model
}

async function take(service: Checkpoints, model: Model, step: Step, where: string): Promise<void> {
  switch (step.kind) {
    case 'append':
      for (let turn = 0; turn < step.turns; turn += 1) appendTurn(model, step.textLength)
      return
    case 'append a torn line': {
      finishLine(model)
      const line = turnLine(model, 30)
      model.text += line.slice(0, 40)
      model.rest = line.slice(40)
      return
    }
    case 'compact':
      appendLine(model, 'compaction', { summary: 'what was', firstKeptEntryId: model.leaf, tokensBefore: 9 })
      return
    case 'rewrite the tail':
    case 'truncate':
    case 'rewrite in place':
      rewrite(model, step)
      return
    case 'capture': {
      await service.capture({ ...request(model), reason: step.reason })
      return learn(service, model, where, step.reason === 'manual' ? 'all but the newest' : 'all')
    }
    case 'import':
    case 'import again':
      await service.import({ ...request(model), again: step.kind === 'import again' })
      return learn(service, model, where)
    case 'prune':
      return assertPruned(service, {}, where)
    case 'empty the trash':
      model.trash.clear()
      return assertPruned(service, { trashMs: 0 }, where)
    case 'complete':
    case 'abandon':
      return settle(service, model, step, where)
    case 'delete':
    case 'undelete':
      return moveToOrFromTrash(service, model, step)
    default:
      return step satisfies never
  }
}

function request(model: Model) {
  return { agent: 'pi', transcript: bytesTranscript({ main: Buffer.from(model.text) }) }
}

/** What of the checkpoints that no compaction followed a step may let go, where it settles none. */
type Replaced = 'all' | 'all but the newest' | 'none'

/** What a capture or an import made, moved up to a boundary, or let go. */
async function learn(service: Checkpoints, model: Model, where: string, replaced: Replaced = 'all'): Promise<void> {
  let hasSettled = false
  const before = new Set(model.kept.keys())
  const whole = model.text.slice(0, model.text.lastIndexOf('\n') + 1)
  const listed = (await service.list({ limit: 1000 })).checkpoints
  for (const { id, status, reason, boundary } of listed) {
    const known = model.kept.get(id)
    const isNew = known === undefined || known.boundaryId !== boundary?.id
    // The boundary's id stands in one line alone.
    const end = boundary === undefined ? whole.length : whole.lastIndexOf('\n', whole.indexOf(`"id":"${boundary.id}"`)) + 1
    if (isNew && boundary !== undefined) hasSettled = true
    if (isNew && boundary !== undefined)
      assert.equal(boundary.start, Buffer.byteLength(whole.slice(0, end)), `the boundary of ${id} ${where}`)
    // It comes back from the trash as it was when it went there.
    const trashed = known === undefined ? model.trash.get(id) : undefined
    if (trashed !== undefined) model.trash.delete(id)
    const bytes = trashed?.bytes ?? (isNew ? Buffer.from(whole.slice(0, end)) : known.bytes)
    model.kept.set(id, { bytes, status, reason, boundaryId: boundary?.id })
  }
  for (const [id, known] of model.kept) {
    if (listed.some((checkpoint) => checkpoint.id === id)) continue
    // Only what no compaction followed may be replaced by what came later. For what waits itself the newest of them stays, which has all of it.
    const stays = [...model.kept].some(
      ([other, { bytes }]) => other !== id && before.has(other) && Buffer.compare(bytes.subarray(0, known.bytes.length), known.bytes) === 0,
    )
    const mayGo = replaced === 'all' || hasSettled || (replaced === 'all but the newest' && stays)
    assert.ok(mayGo, `${id} is gone for one that may be taken back ${where}`)
    assert.ok(known.boundaryId === undefined && (known.status === 'pending' || known.reason === 'session-end'), `${id} is gone ${where}`)
    model.kept.delete(id)
  }
}

async function settle(
  service: Checkpoints,
  model: Model,
  step: { kind: 'complete' | 'abandon'; which: number },
  where: string,
): Promise<void> {
  const pending = [...model.kept].filter(([, { status }]) => status === 'pending')
  const [id, known] = pending[step.which % pending.length] ?? []
  if (id === undefined || known === undefined) return
  if (step.kind === 'complete') {
    await service.complete(id, { summary: 's' })
    return learn(service, model, where)
  }
  await service.abandon(id)
  const snapshot = (await service.list({ limit: 1000 })).checkpoints.find((checkpoint) => checkpoint.id === id)
  if (snapshot === undefined) model.kept.delete(id)
  else assert.equal(snapshot.status, 'snapshot', `${id} is what it was before it was pending ${where}`)
  return learn(service, model, where, 'none')
}

async function moveToOrFromTrash(service: Checkpoints, model: Model, step: { kind: 'delete' | 'undelete'; which: number }): Promise<void> {
  const from = step.kind === 'delete' ? model.kept : model.trash
  const to = step.kind === 'delete' ? model.trash : model.kept
  const [id, known] = [...from][step.which % from.size] ?? []
  if (id === undefined || known === undefined) return
  if (step.kind === 'delete') await service.delete([id])
  else await service.undelete(id)
  from.delete(id)
  to.set(id, known)
}

function appendTurn(model: Model, textLength: number): void {
  finishLine(model)
  model.text += turnLine(model, textLength)
}

function appendLine(model: Model, type: string, fields: object): void {
  finishLine(model)
  model.text += line(model, type, fields)
}

function finishLine(model: Model): void {
  model.text += model.rest
  model.rest = ''
}

function turnLine(model: Model, textLength: number): string {
  const text = `${model.nextId} says ä `.repeat(Math.ceil(textLength / 8)).slice(0, textLength)
  return line(model, 'message', { message: { role: model.nextId % 2 === 0 ? 'user' : 'assistant', content: text } })
}

function line(model: Model, type: string, fields: object): string {
  const id = `e${model.nextId}`
  const written = `${JSON.stringify({ type, id, parentId: model.leaf, timestamp: '2026-01-02T03:04:05.000Z', ...fields })}\n`
  model.nextId += 1
  model.leaf = id
  return written
}

function rewrite(model: Model, step: { kind: 'rewrite the tail' | 'truncate' | 'rewrite in place'; at: number }): void {
  const lines = model.text.split(/(?<=\n)/)
  // The header and the first entry stay.
  const at = 2 + Math.floor(step.at * Math.max(0, lines.length - 2))
  if (step.kind === 'rewrite in place') {
    const rewritten = lines.map((each, index) =>
      index === at && each.includes('"type":"message"') ? each.replace(' says ', ' sang ') : each,
    )
    model.text = rewritten.join('')
    return
  }
  model.rest = ''
  model.text = lines.slice(0, at).join('')
  model.leaf = /"id":"(e\d+)"/.exec(lines[at - 1] ?? '')?.[1] ?? null
  if (step.kind === 'rewrite the tail') appendTurn(model, 50)
}
