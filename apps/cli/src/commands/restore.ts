import { resolve } from 'node:path'
import { CheckpointError } from '@palimpsest/core'
import { branchText } from '../branch-text.ts'
import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { addPrintResume, printResumeOf, refuseJson } from '../print-resume.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { shortId } from '../short-id.ts'
import { styled, type Text } from '../text.ts'

interface RestoreOptions extends SessionOptions {
  readonly inPlace?: true
  readonly force?: true
  readonly path?: string
  readonly printResume?: true
}

/** `restore`: the same session put back; refused without `--in-place`. */
export const defineRestore: DefineCommand = (command, invocation) => {
  command
    .description('Puts a session’s own file back to a checkpoint. What it was is captured first. Close the agent before.')
    .argument('<id>', idDescription)
    .option('--in-place', 'needed: the session’s own file is changed')
    .option('--force', 'even though the file was written within the last minute')
    .option('--path <file>', 'the session’s file, where it is no longer where it was')
  addPrintResume(command)
  addSessionOptions(command)
  command.action((id: string, options: RestoreOptions) => restore(invocation, id, options))
  addExamples(command, [
    ['palimpsest restore latest --in-place', 'put the session back before its last compaction'],
    ['palimpsest restore UNDO --in-place', 'undo that, with the id it printed'],
    ['palimpsest branch latest', 'the careful way: a new session, the old one untouched'],
  ])
}

async function restore(invocation: Invocation, id: string, options: RestoreOptions): Promise<void> {
  const { inPlace, force, path, printResume } = options
  if (printResume === true) refuseJson(invocation)
  if (inPlace !== true) {
    const branch = invocation.commandLine('branch', id)
    const message = `restore changes the session’s own file. For a new session beside it run: ${branch}; or add --in-place.`
    throw new CheckpointError('ARGUMENT_INVALID', message, { argument: '--in-place', expected: '--in-place' })
  }
  const checkpoints = await invocation.checkpoints()
  const result = await checkpoints.restore(id, {
    ...withinSession(options, invocation.signal),
    ...(force === undefined ? {} : { force }),
    ...(path === undefined ? {} : { path: resolve(invocation.context.cwd, path) }),
  })
  const undo: Text = [styled('dim', 'Undo:      '), invocation.commandLine('restore', shortId(result.undo), '--in-place')]
  if (printResume === true) {
    await invocation.output.note(undo)
    return printResumeOf(invocation, result)
  }
  await invocation.output.result(result, () => [
    ['Put back to ', checkpointLine(result.checkpoint, invocation.context.now())],
    ...branchText(result),
    undo,
  ])
}
