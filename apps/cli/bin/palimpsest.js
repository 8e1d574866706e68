#!/usr/bin/env node
// Committed as it is, so that package managers can link the command before the first build; it runs on any Node to say which one it needs.
if (isHook(process.argv.slice(2))) {
  // A hook never fails, on an old Node neither: it has a program of its own.
  await import('./palimpsest-hook.cjs')
} else {
  const [major, minor] = process.versions.node.split('.').map(Number)
  if (major < 22 || (major === 22 && minor < 15)) {
    console.error(`palimpsest needs Node.js 22.15 or newer; this is ${process.versions.node}.`)
    process.exit(1)
  }
  const { main } = await import('../dist/main.js')
  await main()
}

/** Whether the command is `hook`, and no help is asked for. */
function isHook(words) {
  let at = 0
  while (words[at]?.startsWith('-')) at += words[at] === '--store' ? 2 : 1
  return words[at] === 'hook' && !words.some((word) => word === '--help' || word === '-h')
}
