#!/usr/bin/env node
// Committed as it is, so that package managers can link the command before the first build; it runs on any Node to say which one it needs.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 15)) {
  console.error(`palimpsest needs Node.js 22.15 or newer; this is ${process.versions.node}.`)
  process.exit(1)
}
const { main } = await import('../dist/main.js')
await main()
