import { AsyncLocalStorage } from 'node:async_hooks'
import type * as FileSystem from 'node:fs/promises'

/** A call of the system that changes a file or a folder. */
export interface FileCall {
  readonly name: string
  readonly path: string
}

/**
 * What becomes of a call: `fails`: with this code, and nothing was done · `is lost`: it is done, and an error is reported · `dies`: the process ends
 * before it, so that neither it nor anything after it happens.
 */
export type FileFault =
  | { readonly kind: 'fails'; readonly codeOf: (call: FileCall) => string }
  | { readonly kind: 'is lost' }
  | { readonly kind: 'dies' }

/** How an operation went of which one call went wrong. */
export interface FaultyRun {
  /** An error, where it ended with one; `undefined` where it died or came through. */
  readonly error: unknown
  /** The call that went wrong, once it has. */
  readonly met: FileCall | undefined
  /** Ends what a dead process left hanging, so that this one gives back what it holds; files are still out of its reach. */
  bury(): Promise<void>
}

type Disturb = <Result>(call: FileCall, run: () => Promise<Result>) => Promise<Result>
const disturbance = new AsyncLocalStorage<Disturb>()

/** Runs an operation of which write number `at` to files, from 1, goes wrong. Of what is done and reported as failed, only names are counted. */
export async function runWithFaultyFiles(at: number, fault: FileFault, run: () => Promise<unknown>): Promise<FaultyRun> {
  let calls = 0
  let met: FileCall | undefined
  let die: () => void = () => undefined
  let bury: () => void = () => undefined
  const died = new Promise<void>((resolve) => {
    die = resolve
  })
  const buried = new Promise<never>((_, reject) => {
    bury = () => reject(new Error('This process is dead.'))
  })
  buried.catch(() => undefined)
  const disturb: Disturb = async (call, apply) => {
    if (fault.kind === 'is lost' && !givesName(call)) return apply()
    calls += 1
    if (calls === at) met = call
    if (met !== undefined && fault.kind === 'dies') {
      die()
      return buried
    }
    if (calls !== at) return apply()
    if (fault.kind === 'is lost') await apply()
    const code = fault.kind === 'fails' ? fault.codeOf(call) : 'EIO'
    throw Object.assign(new Error(`${code}: made for a test, ${call.name} '${call.path}'`), { code })
  }
  const outcome = disturbance.run(disturb, run).then(
    () => undefined,
    (error: unknown) => error,
  )
  const error = await Promise.race([outcome, died])
  return {
    error,
    met,
    async bury() {
      bury()
      await outcome
    },
  }
}

function givesName({ name }: FileCall): boolean {
  return name === 'link' || name === 'rename' || name === 'file.writeFile'
}

/** A `node:fs/promises` whose writes go wrong within `runWithFaultyFiles`, and that is as it was elsewhere. */
export function disturbed(actual: typeof FileSystem): typeof FileSystem {
  const through = <Result>(name: string, path: unknown, run: () => Promise<Result>): Promise<Result> => {
    const disturb = disturbance.getStore()
    return disturb === undefined ? run() : disturb({ name, path: String(path) }, run)
  }
  return {
    ...actual,
    open: async (path, flags, mode) => {
      const open = () => actual.open(path, flags, mode)
      const isWrite = typeof flags === 'number' && (flags & 3) !== 0
      const handle = isWrite ? await through('open', path, open) : await open()
      return disturbedHandle(handle, path, through)
    },
    link: (from, to) => through('link', to, () => actual.link(from, to)),
    rename: (from, to) => through('rename', to, () => actual.rename(from, to)),
    unlink: (path) => through('unlink', path, () => actual.unlink(path)),
    mkdir: ((path: string, options: object) => through('mkdir', path, () => actual.mkdir(path, options))) as typeof actual.mkdir,
    rmdir: (path, options) => through('rmdir', path, () => actual.rmdir(path, options)),
    rm: (path, options) => through('rm', path, () => actual.rm(path, options)),
    chown: (path, user, group) => through('chown', path, () => actual.chown(path, user, group)),
  }
}

const writingMethods = new Set<string | symbol>(['write', 'writeFile', 'sync', 'chmod', 'truncate'])

function disturbedHandle(
  handle: FileSystem.FileHandle,
  path: unknown,
  through: <Result>(name: string, path: unknown, run: () => Promise<Result>) => Promise<Result>,
): FileSystem.FileHandle {
  return new Proxy(handle, {
    get(target, property) {
      const value: unknown = Reflect.get(target, property, target)
      if (typeof value !== 'function') return value
      const method = (...call: unknown[]): Promise<unknown> => Reflect.apply(value, target, call)
      if (!writingMethods.has(property)) return method
      return (...call: unknown[]) => through(`file.${String(property)}`, path, () => method(...call))
    },
  })
}
