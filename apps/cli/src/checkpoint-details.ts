import type { Checkpoint, SessionReference } from '@palimpsest/core'
import { byteSize } from './byte-size.ts'
import { isoTime, timeAgo } from './point-in-time.ts'
import { counted, styled, type Text } from './text.ts'
import { tokenChange, tokenCount } from './token-count.ts'

/** All that is known of a checkpoint, for people: a line a fact, then the summary. */
export function checkpointDetails(checkpoint: Checkpoint, now: number): readonly Text[] {
  const facts = factsOf(checkpoint, now).filter((fact): fact is readonly [string, string] => fact[1] !== undefined && fact[1] !== '')
  const width = Math.max(...facts.map(([name]) => name.length))
  // A fact is one line: nothing in a transcript can look like another fact.
  const lines = facts.map(([name, value]) => [styled('dim', name.padEnd(width + 2)), value.replace(/\s+/g, ' ')])
  return checkpoint.summary === undefined ? lines : [...lines, '', styled('bold', 'Summary'), indented(checkpoint.summary)]
}

/** `text` with two spaces before every line: what a transcript says never looks like a line of ours. */
export function indented(text: string): string {
  return text.replaceAll('\r\n', '\n').replace(/^(?=.)/gm, '  ')
}

function factsOf(checkpoint: Checkpoint, now: number): readonly (readonly [name: string, value: string | undefined])[] {
  const { boundary, keptEntryIds, tornTailBytes } = checkpoint
  return [
    ['id', checkpoint.id],
    ['created', `${isoTime(checkpoint.createdAt)} (${timeAgo(checkpoint.createdAt, now)})`],
    ['status', `${checkpoint.status}, ${checkpoint.origin === 'import' ? 'imported' : 'captured'}`],
    ['reason', checkpoint.reason],
    ['label', checkpoint.label],
    ['pinned', checkpoint.pinned ? 'yes' : undefined],
    ['agent', checkpoint.agent],
    ['session key', checkpoint.sessionKey],
    ['session id', checkpoint.sessionId],
    ['project', checkpoint.cwd],
    ['before', referenceText(checkpoint.preCompaction)],
    ['after', referenceText(checkpoint.postCompaction)],
    ['tokens', tokenChange(checkpoint)],
    ['boundary', boundary === undefined ? undefined : `${boundary.id}, line ${boundary.line}, bytes ${boundary.start} to ${boundary.end}`],
    ['first kept', checkpoint.firstKeptEntryId],
    ['kept', keptEntryIds === undefined ? undefined : counted(keptEntryIds.length, 'entry id')],
    ['size', `${byteSize(checkpoint.sizeBytes)} (${tokenCount(checkpoint.sizeBytes)} bytes)`],
    ['sidecars', sidecarsText(checkpoint)],
    ['bad lines', checkpoint.badLines === 0 ? undefined : `${checkpoint.badLines} (their bytes are kept)`],
    ['torn tail', tornTailBytes === undefined ? undefined : `${tornTailBytes} bytes of an unfinished last line were left out`],
  ]
}

function referenceText(reference: SessionReference | undefined): string | undefined {
  if (reference === undefined) return undefined
  const { sessionId, sessionFile, leafId, entryId } = reference
  const places = [leafId === undefined ? undefined : `leaf ${leafId}`, entryId === undefined ? undefined : `entry ${entryId}`]
  return [sessionFile ?? sessionId, ...places].filter((place) => place !== undefined).join(', ')
}

function sidecarsText({ parts }: Checkpoint): string {
  return parts
    .filter(({ name }) => name !== 'main')
    .map(({ name, bytes }) => `${name} (${byteSize(bytes)})`)
    .join(', ')
}
