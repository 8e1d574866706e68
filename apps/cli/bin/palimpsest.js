#!/usr/bin/env node
// Committed as it is, so that package managers can link the command before the first build; it runs on any Node to say which one it needs.
const words = process.argv.slice(2)
const command = commandOf(words)
if (command === 'hook' && !words.some((word) => word === '--help' || word === '-h')) {
  // A hook never fails, on an old Node neither: it has a program of its own.
  await import('./palimpsest-hook.cjs')
} else {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 15)) {
    console.error(`palimpsest needs Node.js 22.15 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  // Agents start a server with each session, and wait for it.
  if (command === 'mcp') await keepCompiled()
  const { main } = await import('../dist/main.js')
  await main()
}

/** The first word that is no option of the whole program. */
function commandOf(words) {
  let at = 0
  while (words[at]?.startsWith('-')) at += words[at] === '--store' ? 2 : 1
  return words[at]
}

/** What was compiled is kept for the next start, where hooks keep it, as long as this Node and the program stay the same. */
async function keepCompiled() {
  const [{ enableCompileCache }, { homedir }, { isAbsolute, join }] = [
    await import('node:module'),
    await import('node:os'),
    await import('node:path'),
  ]
  const folder = process.env.XDG_CACHE_HOME
  enableCompileCache(join(folder !== undefined && isAbsolute(folder) ? folder : join(homedir(), '.cache'), 'palimpsest', 'compiled'))
}
