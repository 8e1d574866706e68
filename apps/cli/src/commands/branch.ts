import { resolve } from 'node:path'
import { branchText, roomText } from '../branch-text.ts'
import { checkpointLine } from '../checkpoint-table.ts'
import { addExamples } from '../help.ts'
import type { Invocation } from '../invocation.ts'
import { quantity, refuseTogether } from '../option-values.ts'
import { addPrintResume, printResumeOf, refuseJson } from '../print-resume.ts'
import type { DefineCommand } from '../program.ts'
import { addSessionOptions, idDescription, type SessionOptions, withinSession } from '../session-options.ts'
import { shortId } from '../short-id.ts'

interface BranchOptions extends SessionOptions {
  readonly to?: string
  readonly name?: string
  readonly dropUnanswered?: true
  readonly beforeTurn?: true
  readonly leave?: number
  readonly printResume?: true
}

const leave = quantity('--leave', percentOf, 'a whole percentage from 1% to 99%')

/** `branch`: a new session from a checkpoint. */
export const defineBranch: DefineCommand = (command, invocation) => {
  command
    .description('Makes a new session that stands where the checkpoint’s did, and says how to open it. The old session is not touched.')
    .argument('<id>', idDescription)
    .option('--to <folder>', 'write it there instead of where the agent looks')
    .option('--name <name>', 'the new session’s name, where the agent shows one')
    .option('--drop-unanswered', 'leave a last prompt out that was never answered')
    .option('--before-turn', 'go on before the last turn began')
    .option('--leave <percent>', 'go on before the last turn that leaves so much of the context free, such as 30%', leave)
  addPrintResume(command)
  addSessionOptions(command)
  command.action((id: string, options: BranchOptions) => branch(invocation, id, options))
  addExamples(command, [
    ['palimpsest branch latest', 'go on before the last compaction'],
    ['palimpsest branch 3f9a21c7 --to ./sessions', 'into a folder of your own'],
    ['palimpsest branch latest --leave 30%', 'so that it is not compacted again at once'],
    ['eval "$(palimpsest branch latest --print-resume)"', 'and open it right away'],
    ['palimpsest branch latest --json', 'for programs: { path, sessionId, resume, resumeArgv, warnings, room? }'],
  ])
}

async function branch(invocation: Invocation, id: string, options: BranchOptions): Promise<void> {
  const { to, name, dropUnanswered, beforeTurn, leave: leavePercent, printResume } = options
  if (leavePercent !== undefined) refuseTogether('--leave', beforeTurn === true ? ['--before-turn'] : [], 'they are two different points.')
  if (printResume === true) refuseJson(invocation)
  const checkpoints = await invocation.checkpoints()
  const result = await checkpoints.branch(id, {
    ...withinSession(options, invocation.signal),
    ...(to === undefined ? {} : { to: resolve(invocation.context.cwd, to) }),
    ...(name === undefined ? {} : { name }),
    ...(dropUnanswered === undefined ? {} : { dropUnanswered }),
    ...(beforeTurn === undefined ? {} : { beforeTurn }),
    ...(leavePercent === undefined ? {} : { leavePercent }),
  })
  if (printResume === true) return printResumeOf(invocation, result)
  await invocation.output.result(result, () => [
    ['A new session from ', checkpointLine(result.checkpoint, invocation.context.now())],
    ...branchText(result),
    ...roomText(result, invocation.commandLine('branch', shortId(result.checkpoint.id), '--leave', '30%')),
  ])
}

function percentOf(text: string): number | undefined {
  const percent = Number(/^(\d{1,2})\s*%?$/.exec(text.trim())?.[1])
  return percent >= 1 ? percent : undefined
}
