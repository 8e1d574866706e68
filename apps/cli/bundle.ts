// Bundles the command and the hook into dist/: a program of a few files starts in a third of the time that one of several hundred takes.
import { glob, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, build, type Plugin } from 'esbuild'

const here = import.meta.dirname

/** Imports zod as a namespace, of which only what is used goes into the bundle; as the value `z` it would bring all of zod, every language included. */
const zodByName: Plugin = {
  name: 'zod-by-name',
  setup({ onLoad }) {
    onLoad({ filter: /[\\/](?:packages|apps)[\\/][^\\/]+[\\/]src[\\/].*\.ts$/ }, async ({ path }) => ({
      contents: (await readFile(path, 'utf8')).replace("import { z } from 'zod'", "import * as z from 'zod'"),
      loader: 'ts',
    }))
  },
}

const common = {
  bundle: true,
  platform: 'node',
  target: 'node22.15',
  conditions: ['@palimpsest/source'],
  legalComments: 'none',
  logLevel: 'warning',
  absWorkingDir: here,
  plugins: [zodByName],
} as const satisfies BuildOptions

/** What `bin/palimpsest-hook.cjs` loads, into `outFolder`: the fast path, and the engine behind it. */
export async function bundleHook(outFolder: string): Promise<void> {
  const hook = { ...common, format: 'cjs', outExtension: { '.js': '.cjs' }, outdir: outFolder } as const
  await build({ ...hook, entryPoints: { hook: 'src/hook/run-hook.ts', 'hook-engine': 'src/hook/engine.ts' } })
}

/** The `palimpsest` command: what each of its commands needs is in files of its own, loaded when it runs. */
async function bundleCommand(outFolder: string): Promise<void> {
  for await (const name of glob('chunk-*.js', { cwd: outFolder })) await rm(join(outFolder, name))
  await build({
    ...common,
    format: 'esm',
    splitting: true,
    outdir: outFolder,
    entryPoints: { main: 'src/main.ts' },
    chunkNames: 'chunk-[hash]',
    // Its other form asks for its own modules in a way that can't be bundled.
    alias: { 'jsonc-parser': 'jsonc-parser/lib/esm/main.js' },
    // Some libraries are CommonJS, and ask for modules of Node by name.
    banner: {
      js: "import { createRequire as createRequireOfBundle } from 'node:module'\nconst require = createRequireOfBundle(import.meta.url)",
    },
  })
}

if (import.meta.main) {
  await bundleHook(join(here, 'dist'))
  await bundleCommand(join(here, 'dist'))
}
