import { createHash } from 'node:crypto'
import { cp, glob, mkdir, readdir, readFile, realpath, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'

/** The packages as they were built when the run began. */
export interface Build {
  readonly folder: string
  /** The `palimpsest` command. */
  readonly command: string
  /** SHA-256 of its code, by which prepared stores are kept. */
  readonly digest: string
}

/**
 * Copies what is built in a repository, so that a build made while the benchmark runs does not mix versions. What the packages depend on is
 * linked.
 */
export async function copyBuild(repository: string, folder: string): Promise<Build> {
  await rm(folder, { recursive: true, force: true })
  const modules = join(folder, 'node_modules')
  const linked = new Set<string>()
  for (const group of ['packages', 'apps']) {
    for (const name of await readdir(join(repository, group))) {
      const source = join(repository, group, name)
      const packageText = await readFile(join(source, 'package.json'), 'utf8').catch(() => undefined)
      if (packageText === undefined) continue
      const target = join(modules, JSON.parse(packageText).name)
      for (const part of ['package.json', 'dist', 'bin']) {
        await cp(join(source, part), join(target, part), { recursive: true }).catch(ignoreMissing)
      }
      for (const dependency of Object.keys(JSON.parse(packageText).dependencies ?? {})) {
        if (dependency.startsWith('@palimpsest/') || linked.has(dependency)) continue
        linked.add(dependency)
        await mkdir(join(modules, dependency, '..'), { recursive: true })
        await symlink(await realpath(join(source, 'node_modules', dependency)), join(modules, dependency))
      }
    }
  }
  const hash = createHash('sha256')
  const files = await Array.fromAsync(glob('@palimpsest/{core,storage-fs,transcripts}/dist/**/*.js', { cwd: modules }))
  if (files.length === 0) throw new Error(`Nothing is built in ${repository}. Run the build first.`)
  for (const file of files.sort()) hash.update(file).update(await readFile(join(modules, file)))
  return { folder, command: join(modules, '@palimpsest/cli/bin/palimpsest.js'), digest: hash.digest('hex').slice(0, 16) }
}

function ignoreMissing(error: unknown): void {
  if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
}
