// A server as `palimpsest mcp` runs it, for tests: its flags are those of the command.
import { openHost } from '@palimpsest/host'
import { runMcpServer } from '../src/index.ts'

const flags = new Set(process.argv.slice(2))
await runMcpServer({
  host: () => openHost(),
  scope: flags.has('--scope=session') ? 'session' : flags.has('--scope=project') ? 'project' : 'all',
  allowRestore: flags.has('--allow-restore'),
  readOnly: flags.has('--read-only'),
})
