import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'
import { type CaseReport, runStorageCases } from './report.ts'
import type { OpenStorage } from './storage-case.ts'

const usage = `palimpsest-conformance MODULE [--json FILE]

Runs the cases of the storage contract on an adapter.

MODULE exports  open()     a new instance of the adapter, not yet opened; every call, on the same store
                cleanUp()  optional: runs at the end, whatever happened
--json FILE     writes the report there too
Exit status: 0 all passed or skipped, 1 a case failed, 2 there was nothing to run.
`

/** What the command needs of the module that it is given. */
interface AdapterModule {
  readonly open: OpenStorage
  readonly cleanUp: (() => unknown) | undefined
}

/** The command `palimpsest-conformance`: prints a line a case, and gives the exit status. Rejects for no reason that lies in the adapter. */
export async function runCommand(
  argv: readonly string[],
  print: (text: string) => void = (text) => process.stdout.write(text),
): Promise<number> {
  const parsed = parse(argv)
  if (typeof parsed === 'string') {
    print(`${parsed}\n\n${usage}`)
    return 2
  }
  const adapter = await load(parsed.module)
  if (typeof adapter === 'string') {
    print(`${adapter}\n`)
    return 2
  }
  try {
    const report = await runStorageCases(adapter.open, { onCase: (each) => print(lineOf(each)) })
    const { durable, sharedBy, maxObjectBytes } = report.traits
    print(`\n${report.passed} passed, ${report.failed} failed, ${report.skipped} skipped`)
    print(` (durable: ${durable}, sharedBy: ${sharedBy}, maxObjectBytes: ${maxObjectBytes})\n`)
    if (parsed.json !== undefined) await writeFile(parsed.json, `${JSON.stringify({ module: parsed.module, ...report }, undefined, 2)}\n`)
    return report.failed === 0 ? 0 : 1
  } finally {
    await adapter.cleanUp?.()
  }
}

function parse(argv: readonly string[]): { readonly module: string; readonly json: string | undefined } | string {
  try {
    const { positionals, values } = parseArgs({ args: [...argv], allowPositionals: true, options: { json: { type: 'string' } } })
    const [module, ...more] = positionals
    return module === undefined || more.length > 0 ? 'Name one module.' : { module, json: values.json }
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

async function load(module: string): Promise<AdapterModule | string> {
  let loaded: unknown
  try {
    loaded = await import(pathToFileURL(resolve(module)).href)
  } catch (error) {
    return `${module} can't be imported: ${String(error)}`
  }
  const adapter = adapterOf(loaded)
  return adapter ?? `${module} must export a function open() that makes an instance of the adapter.`
}

function adapterOf(loaded: unknown): AdapterModule | undefined {
  if (typeof loaded !== 'object' || loaded === null || !('open' in loaded) || typeof loaded.open !== 'function') return undefined
  const { open } = loaded
  const cleanUp = 'cleanUp' in loaded && typeof loaded.cleanUp === 'function' ? loaded.cleanUp : undefined
  return { open: () => open(), cleanUp: cleanUp === undefined ? undefined : () => cleanUp() }
}

function lineOf(report: CaseReport): string {
  switch (report.outcome) {
    case 'passed':
      return `ok    ${report.id} (${report.durationMs} ms)\n`
    case 'skipped':
      return `skip  ${report.id}: ${report.message ?? ''}\n`
    case 'failed':
      return `FAIL  ${report.id}: ${report.name}\n      ${(report.message ?? '').replaceAll('\n', '\n      ')}\n`
  }
}
