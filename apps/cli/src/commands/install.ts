import { addExamples } from '../help.ts'
import { installers } from '../install/agents/index.ts'
import { type InstallOptions, runInstallation } from '../install/run-installation.ts'
import type { DefineCommand } from '../program.ts'

/** `install`: writes the hooks and the MCP server into an agent's own settings. */
export const defineInstall: DefineCommand = (command, invocation) => {
  command
    .description(
      'Writes hooks and MCP server into an agent’s own settings, so that no compaction is missed from then on. Everything else in them stays byte for byte; uninstall takes it out again.',
    )
    .argument('<agent>', installers.map(({ agent }) => agent).join(', '))
    .option('--yes', 'do not ask')
    .option('--plugin <folder>', 'claude-code: write a plugin into a folder instead')
    .action((agent: string, options: InstallOptions) => runInstallation(invocation, 'install', agent, options))
  addExamples(command, [
    ['palimpsest install claude-code', 'shows the change and asks'],
    ['palimpsest install pi --yes --store ~/palimpsest', 'with a store of its own, without a question'],
    ['palimpsest install claude-code --plugin ./palimpsest-plugin', 'for claude --plugin-dir'],
  ])
}
