// The public API of every package as one reviewed text: what its built index exports, with the declarations behind it.
// `node tools/public-api.ts` fails when a text is out of date; `--update` writes it.
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'

const update = process.argv.includes('--update')
const outdated: string[] = []

for (const name of readdirSync('packages').sort()) {
  const index = join('packages', name, 'dist', 'index.d.ts')
  if (!existsSync(index)) throw new Error(`${index} is missing. Run: pnpm build`)
  const file = join('packages', name, 'public-api.txt')
  const text = publicApi(index)
  if (update) writeFileSync(file, text)
  else if (!existsSync(file) || readFileSync(file, 'utf8') !== text) outdated.push(file)
}

if (outdated.length > 0) {
  console.error(`The public API changed: ${outdated.join(', ')}. Review the change, then run: npx -y pnpm@10.34.9 api --update`)
  process.exit(1)
}
console.log(update ? 'The public API was written down.' : 'The public API is as it was reviewed.')

/** The index and every declaration file that it re-exports from, with comments left out. */
function publicApi(index: string): string {
  const source = readFileSync(index, 'utf8')
  const files = [...source.matchAll(/from '(\.[^']+)'/g)].map((match) =>
    join(dirname(index), (match[1] ?? '').replace(/\.(ts|js)$/, '.d.ts')),
  )
  const sections = [index, ...[...new Set(files)].sort()].map((file) => {
    const name = relative(dirname(index), file)
    return `// ${name}\n${declarations(readFileSync(file, 'utf8'))}`
  })
  return `${sections.join('\n\n')}\n`
}

function declarations(text: string): string {
  return text
    .replace(/\/\*\*?[\s\S]*?\*\//g, '')
    .replace(/^\/\/#.*$/gm, '')
    .split('\n')
    .filter((line) => line.trim() !== '')
    .join('\n')
}
