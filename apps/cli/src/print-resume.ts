import type { BranchResult } from '@palimpsest/core'
import type { Command } from 'commander'
import { warningText } from './branch-text.ts'
import type { Invocation } from './invocation.ts'
import { refuseTogether } from './option-values.ts'

export function addPrintResume(command: Command): void {
  command.option('--print-resume', 'print the exact command line that opens it, and nothing else')
}

/** Refuses `--json` beside `--print-resume`. */
export function refuseJson({ json }: Invocation): void {
  refuseTogether('--print-resume', json ? ['--json'] : [], 'its JSON has the command line as resume.')
}

/** The command line alone on standard output, byte for byte, so that a shell can run it; what to mind goes to standard error. */
export async function printResumeOf({ output }: Invocation, result: BranchResult): Promise<void> {
  await output.note(...warningText(result))
  await output.bytes(Buffer.from(`${result.resume}\n`))
}
