import { addExamples } from '../help.ts'
import { installers } from '../install/agents/index.ts'
import { type InstallOptions, runInstallation } from '../install/run-installation.ts'
import type { DefineCommand } from '../program.ts'

/** `uninstall`: takes out of an agent's settings what `install` wrote. */
export const defineUninstall: DefineCommand = (command, invocation) => {
  command
    .description('Takes out of an agent’s settings what install wrote; the files are then as they were. Checkpoints stay.')
    .argument('<agent>', installers.map(({ agent }) => agent).join(', '))
    .option('--yes', 'do not ask')
    .option('--plugin <folder>', 'claude-code: the plugin in a folder')
    .action((agent: string, options: InstallOptions) => runInstallation(invocation, 'uninstall', agent, options))
  addExamples(command, [['palimpsest uninstall claude-code', 'shows the change and asks']])
}
