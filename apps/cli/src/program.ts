import { Command } from 'commander'
import { addExamples } from './help.ts'
import type { Invocation } from './invocation.ts'
import { ownVersion } from './own-package.ts'

/** Gives a command its arguments, options, examples and action. Every file in `commands/` exports one. */
export type DefineCommand = (command: Command, invocation: Invocation) => void

interface CommandEntry {
  readonly name: string
  readonly summary: string
  /** The file is loaded for the one command that runs. */
  readonly load: () => Promise<DefineCommand>
}

const commands: readonly CommandEntry[] = [
  {
    name: 'scan',
    summary: 'find sessions and keep the state before every compaction they record',
    load: async () => (await import('./commands/scan.ts')).defineScan,
  },
  {
    name: 'sessions',
    summary: 'the sessions that have checkpoints',
    load: async () => (await import('./commands/sessions.ts')).defineSessions,
  },
  { name: 'list', summary: 'checkpoints, newest first', load: async () => (await import('./commands/list.ts')).defineList },
  { name: 'show', summary: 'all that is known of a checkpoint', load: async () => (await import('./commands/show.ts')).defineShow },
  { name: 'read', summary: 'what the transcript said at a checkpoint', load: async () => (await import('./commands/read.ts')).defineRead },
  {
    name: 'search',
    summary: 'find entries in everything that is kept',
    load: async () => (await import('./commands/search.ts')).defineSearch,
  },
  {
    name: 'diff',
    summary: 'what a compaction forgot, or what changed between two checkpoints',
    load: async () => (await import('./commands/diff.ts')).defineDiff,
  },
  {
    name: 'recover',
    summary: 'what a compaction forgot, as a text for a context',
    load: async () => (await import('./commands/recover.ts')).defineRecover,
  },
  {
    name: 'report',
    summary: 'what compactions lose, over all checkpoints',
    load: async () => (await import('./commands/report.ts')).defineReport,
  },
  {
    name: 'branch',
    summary: 'a new session that stands at a checkpoint',
    load: async () => (await import('./commands/branch.ts')).defineBranch,
  },
  {
    name: 'restore',
    summary: 'put a session back to a checkpoint, in place',
    load: async () => (await import('./commands/restore.ts')).defineRestore,
  },
  { name: 'capture', summary: 'keep a transcript as it is now', load: async () => (await import('./commands/capture.ts')).defineCapture },
  {
    name: 'complete',
    summary: 'confirm that the compaction happened',
    load: async () => (await import('./commands/complete.ts')).defineComplete,
  },
  { name: 'abandon', summary: 'take a capture back', load: async () => (await import('./commands/abandon.ts')).defineAbandon },
  { name: 'pin', summary: 'exempt a checkpoint from retention', load: async () => (await import('./commands/pin.ts')).definePin },
  { name: 'label', summary: 'name a checkpoint', load: async () => (await import('./commands/label.ts')).defineLabel },
  {
    name: 'delete',
    summary: 'move checkpoints to the trash, for a day',
    load: async () => (await import('./commands/delete.ts')).defineDelete,
  },
  {
    name: 'undelete',
    summary: 'take a checkpoint out of the trash',
    load: async () => (await import('./commands/undelete.ts')).defineUndelete,
  },
  {
    name: 'prune',
    summary: 'apply the retention, and free what nothing needs',
    load: async () => (await import('./commands/prune.ts')).definePrune,
  },
  {
    name: 'index',
    summary: 'bring the index of search up to date',
    load: async () => (await import('./commands/index-sessions.ts')).defineIndex,
  },
  {
    name: 'verify',
    summary: 'check everything that is stored, and repair it',
    load: async () => (await import('./commands/verify.ts')).defineVerify,
  },
  {
    name: 'install',
    summary: 'write hooks and MCP server into an agent’s settings',
    load: async () => (await import('./commands/install.ts')).defineInstall,
  },
  {
    name: 'uninstall',
    summary: 'take them out again',
    load: async () => (await import('./commands/uninstall.ts')).defineUninstall,
  },
  {
    name: 'doctor',
    summary: 'what is installed, what is missed, and the command that mends it',
    load: async () => (await import('./commands/doctor.ts')).defineDoctor,
  },
  { name: 'mcp', summary: 'the MCP server, on standard input and output', load: async () => (await import('./commands/mcp.ts')).defineMcp },
  { name: 'hook', summary: 'what an agent’s hook runs', load: async () => (await import('./commands/hook.ts')).defineHook },
]

/** The whole command line. It exits nothing and writes nothing itself: help and version go to `write`, errors are thrown. */
export function createProgram(invocation: () => Invocation, write: (text: string) => void): Command {
  const program = new Command('palimpsest')
    .description('Keeps the exact transcript of an agent’s session as it was before every compaction, and gives it back.')
    .option('--store <url>', 'the storage: file:///folder, a path, or memory: (else PALIMPSEST_STORE, else the user’s folder)')
    .option('--json', 'print one JSON value and nothing else')
    .option('--no-color', 'no colours (also with NO_COLOR)')
    .version(ownVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: write, writeErr: write, outputError: () => undefined })
    .exitOverride()
  addExamples(program, [
    ['palimpsest scan', 'keep what the agents’ sessions on this machine have compacted'],
    ['palimpsest install claude-code', 'let the agent keep every compaction from now on'],
    ['palimpsest list', 'see the checkpoints'],
    ['palimpsest read latest', 'read what the model saw before the last compaction'],
    ['palimpsest search "connection refused"', 'find it in everything that is kept'],
    ['palimpsest diff latest', 'see what it forgot'],
    ['palimpsest branch latest', 'go on from there in a new session'],
  ])
  for (const { name, summary } of commands) program.command(name).summary(summary)
  program.hook('preSubcommand', async (_program, command) => {
    const entry = commands.find(({ name }) => name === command.name())
    const define = await entry?.load()
    define?.(command, invocation())
  })
  return program
}
