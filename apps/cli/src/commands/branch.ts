import { resolve } from 'node:path'
import { branchText } from '../branch-text.ts'
import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'

interface BranchOptions extends SessionOptions {
  readonly to?: string
  readonly name?: string
  readonly dropUnanswered?: true
}

/** `branch`: a new session from a checkpoint. */
export const defineBranch: DefineCommand = (command, invocation) => {
  command
    .description('Makes a new session that stands where the checkpoint’s did, and says how to open it. The old session is not touched.')
    .argument('<id>', idDescription)
    .option('--to <folder>', 'write it there instead of where the agent looks')
    .option('--name <name>', 'the new session’s name, where the agent shows one')
    .option('--drop-unanswered', 'leave a last prompt out that was never answered')
  addSessionOptions(command)
  command.action((id: string, options: BranchOptions) => branch(invocation, id, options))
  addExamples(command, [
    ['palimpsest branch latest', 'go on before the last compaction'],
    ['palimpsest branch 3f9a21c7 --to ./sessions', 'into a folder of your own'],
    ['palimpsest branch latest --json', 'for programs: { path, sessionId, resume, resumeArgv, warnings }'],
  ])
}

async function branch(invocation: Invocation, id: string, options: BranchOptions): Promise<void> {
  const { to, name, dropUnanswered } = options
  const checkpoints = await invocation.checkpoints()
  const result = await checkpoints.branch(id, {
    ...withinSession(options, invocation.signal),
    ...(to === undefined ? {} : { to: resolve(invocation.context.cwd, to) }),
    ...(name === undefined ? {} : { name }),
    ...(dropUnanswered === undefined ? {} : { dropUnanswered }),
  })
  await invocation.output.result(result, () => [
    ['A new session from ', checkpointLine(result.checkpoint, invocation.context.now())],
    ...branchText(result),
  ])
}
