import { CheckpointError } from '@palimpsest/core'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import type { DefineCommand } from '../program.ts'
import { idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { counted, styled, type Text } from '../text.ts'

interface DeleteOptions extends SessionOptions {
  readonly force?: true
}

/** `delete`: checkpoints by their ids, or all of a session. */
export const defineDelete: DefineCommand = (command, invocation) => {
  command
    .description(
      'Moves checkpoints to the trash: named ones, or with --agent and --session-key alone all of a session. For a day undelete takes them back.',
    )
    .argument('[id...]', idDescription)
    .option('--agent <agent>', 'the agent of the session')
    .option('--session-key <key>', 'the session')
    .option('--force', 'pinned ones too')
    .action((ids: readonly string[], options: DeleteOptions) => deleteCheckpoints(invocation, ids, options))
  addExamples(command, [
    ['palimpsest delete 3f9a21c7 81b0c4de', 'two checkpoints of a session'],
    ['palimpsest delete --agent pi --session-key KEY', 'all of a session'],
    ['palimpsest undelete 3f9a21c7', 'take one back'],
  ])
}

async function deleteCheckpoints(invocation: Invocation, ids: readonly string[], options: DeleteOptions): Promise<void> {
  const checkpoints = await invocation.checkpoints()
  const force = options.force === undefined ? {} : { force: options.force }
  const deleted =
    ids.length > 0
      ? await checkpoints.delete(ids, { ...withinSession(options, invocation.signal), ...force })
      : await checkpoints.deleteSession({ ...wholeSession(options), ...force, signal: invocation.signal })
  await invocation.output.result({ deleted }, () => deletedText(invocation, deleted))
}

function wholeSession({ agent, sessionKey }: SessionOptions): { readonly agent: string; readonly sessionKey: string } {
  if (agent !== undefined && sessionKey !== undefined) return { agent, sessionKey }
  const message = 'Name the checkpoints to delete, or a whole session with --agent and --session-key.'
  throw new CheckpointError('ARGUMENT_INVALID', message, { argument: 'id', expected: 'checkpoint ids, or --agent and --session-key' })
}

function deletedText(invocation: Invocation, deleted: readonly string[]): readonly Text[] {
  if (deleted.length === 0) return ['Nothing to delete.']
  return [
    `Deleted ${counted(deleted.length, 'checkpoint')}. For a day ${deleted.length === 1 ? 'it' : 'they'} can be taken back:`,
    ...deleted.map((id): Text => styled('dim', `  ${invocation.commandLine('undelete', id)}`)),
  ]
}
