// Which package may depend on which: core ← conformance, storage-*, transcripts ← host ← apps. Adapters never depend on each other,
// nothing depends on an app but another app, and core depends on zod alone. (What a package imports it has to declare: biome and turbo see to it.)
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const adapters = /^(conformance|storage-[a-z0-9]+|transcripts|search-[a-z0-9]+)$/
const problems: string[] = []

for (const folder of ['packages', 'apps']) {
  for (const name of readdirSync(folder)) {
    const manifest: { dependencies?: Record<string, string>; devDependencies?: Record<string, string> } = JSON.parse(
      readFileSync(join(folder, name, 'package.json'), 'utf8'),
    )
    const own = Object.keys(manifest.dependencies ?? {})
    const forTests = Object.keys(manifest.devDependencies ?? {})
    for (const dependency of own) if (!allowed(folder, name, dependency)) problems.push(`${name} may not depend on ${dependency}`)
    for (const dependency of forTests) {
      if (!allowed(folder, name, dependency) && !isForTests(dependency))
        problems.push(`the tests of ${name} may not depend on ${dependency}`)
    }
  }
}

if (problems.length > 0) {
  console.error(problems.join('\n'))
  process.exit(1)
}
console.log('Every package depends on what it may.')

function allowed(folder: string, name: string, dependency: string): boolean {
  const other = dependency.startsWith('@palimpsest/') ? dependency.slice('@palimpsest/'.length) : undefined
  if (folder === 'apps') return true
  if (name === 'core') return dependency === 'zod'
  if (other === undefined) return true
  if (name === 'host') return other === 'core' || adapters.test(other)
  return adapters.test(name) && other === 'core'
}

function isForTests(dependency: string): boolean {
  return dependency === '@palimpsest/conformance' || !dependency.startsWith('@palimpsest/')
}
