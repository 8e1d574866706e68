import { resolve } from 'node:path'
import { type CompactionReason, compactionReasons, type PendingCheckpoint } from '@palimpsest/core'
import { byteSize } from '../byte-size.ts'
import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { oneOf, pointInTime, wholeNumber } from '../option-values.ts'
import type { Block } from '../output.ts'
import type { DefineCommand } from '../program.ts'
import { shortId } from '../short-id.ts'
import { styled } from '../text.ts'

interface CaptureOptions {
  readonly agent: string
  readonly transcript: string
  readonly sessionKey?: string
  readonly sessionId?: string
  readonly reason?: CompactionReason
  readonly tokensBefore?: number
  readonly leafId?: string
  readonly createdAt?: number
  readonly label?: string
}

/** `capture`: keeps a transcript as it is now. */
export const defineCapture: DefineCommand = (command, invocation) => {
  command
    .description('Keeps a transcript exactly as it is now, most often just before the agent compacts.')
    .requiredOption('--agent <agent>', 'whose transcript it is: pi, openclaw, claude-code, codex, …')
    .requiredOption('--transcript <file>', 'the session’s main file, or <database>#<session id>; it is only read')
    .option('--session-key <key>', 'the session (default: what the transcript says)')
    .option('--session-id <id>', 'the agent’s own id of it (default: what the transcript says)')
    .option('--reason <reason>', `one of ${compactionReasons.join(', ')} (default: unknown)`, oneOf('--reason', compactionReasons))
    .option('--tokens-before <count>', 'tokens in the context now', wholeNumber('--tokens-before'))
    .option('--leaf-id <id>', 'the entry at the tip of the active branch (default: what the transcript says)')
    .option('--created-at <ms>', 'when, in milliseconds since the epoch or as an ISO date (default: now)', pointInTime('--created-at'))
    .option('--label <text>', 'a name for the checkpoint')
    .action((options: CaptureOptions) => capture(invocation, options))
  addExamples(command, [
    ['palimpsest capture --agent pi --transcript session.jsonl --reason manual', 'before a compaction'],
    ['palimpsest complete ID --summary-file summary.md --tokens-after 12300', 'after it'],
    ['palimpsest capture --agent pi --transcript s.jsonl --json', 'for programs: { outcome, checkpoint }'],
  ])
}

async function capture(invocation: Invocation, options: CaptureOptions): Promise<void> {
  const { transcript, ...request } = options
  const host = await invocation.host()
  const pending = await host.checkpoints.capture({
    ...request,
    transcript: host.files.origin(resolve(invocation.context.cwd, transcript)),
    signal: invocation.signal,
  })
  const { outcome, checkpoint, storedBytes } = pending
  await invocation.output.result({ outcome, checkpoint, storedBytes }, () => blocks(invocation, pending))
}

function blocks(invocation: Invocation, { outcome, checkpoint, storedBytes }: PendingCheckpoint): readonly Block[] {
  const line = checkpointLine(checkpoint, invocation.context.now())
  const first =
    outcome === 'captured'
      ? [styled('green', 'Captured '), line, `, ${byteSize(storedBytes)} newly stored.`]
      : ['Unchanged: these bytes are kept already, as ', line, '.']
  if (checkpoint.status !== 'pending') return [first]
  return [first, [styled('dim', 'After the compaction: '), invocation.commandLine('complete', shortId(checkpoint.id))]]
}
