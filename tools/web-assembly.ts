// Makes the WebAssembly code that is committed from the text beside it. Without an argument it says whether they belong together and exits with 1
// where they don't; `--update` writes the code.
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import wabt from 'wabt'

const folder = join(import.meta.dirname, '../packages/transcripts/src')
const target = join(folder, 'object-scan-code.ts')

const { parseWat } = await wabt()
const { buffer } = parseWat('object-scan.wat', readFileSync(join(folder, 'object-scan.wat'), 'utf8'), { simd: true }).toBinary({})
const lines =
  Buffer.from(buffer)
    .toString('base64')
    .match(/.{1,120}/g) ?? []
const code = [
  '/** The code of object-scan.wat, in base64: `node tools/web-assembly.ts --update` writes this file. */',
  'export const objectScanCode =',
  lines.map((line) => `  '${line}'`).join(' +\n'),
  '',
].join('\n')

if (process.argv.includes('--update')) writeFileSync(target, code)
else if (readFileSync(target, 'utf8') !== code) {
  console.error('object-scan-code.ts is not the code of object-scan.wat: run node tools/web-assembly.ts --update.')
  process.exitCode = 1
}
