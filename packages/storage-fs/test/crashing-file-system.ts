import { constants } from 'node:fs'
import type { FileSystem, FileSystemFile, FileSystemStats } from '../src/index.ts'
import { systemError } from './failing-file-system.ts'

type File = { readonly kind: 'file'; bytes: Uint8Array; synced: Uint8Array }
type Folder = { readonly kind: 'folder'; readonly names: Map<string, Node>; synced: Map<string, Node> }
type Node = File | Folder

/** Which of the names that were not forced to the disk a loss of power leaves, given the folder's path and the name. */
export type Survives = (path: string) => boolean

/** What an adapter must force to the disk, and may forget to. */
export type Forgets = 'files' | 'folders' | undefined

/**
 * A file system in memory, with one folder `/disk`, that knows what has been forced to the disk: `afterPowerLoss` gives another one, as the machine would find it. What
 * a file's bytes are is known only from its last sync; a name that was not synced is there or not, as `survives` says.
 */
export class CrashingFileSystem implements FileSystem {
  readonly #root: Folder
  readonly #forgets: Forgets
  /** Called after every change. */
  changed: () => void = () => {}

  constructor(forgets?: Forgets, root: Folder = rootWith('disk')) {
    this.#forgets = forgets
    this.#root = root
  }

  afterPowerLoss(survives: Survives): CrashingFileSystem {
    return new CrashingFileSystem(this.#forgets, remainsOf(this.#root, '', survives))
  }

  async open(path: string, flags: string | number): Promise<FileSystemFile> {
    const appends = typeof flags === 'number' && (flags & constants.O_APPEND) !== 0
    if (flags === 'wx' || (appends && this.#find(path) === undefined)) {
      if (this.#find(path) !== undefined) throw systemError('EEXIST')
      this.#parent(path).names.set(baseName(path), { kind: 'file', bytes: new Uint8Array(0), synced: new Uint8Array(0) })
      this.changed()
    }
    return this.#handle(this.#get(path))
  }

  async link(existing: string, path: string): Promise<void> {
    const node = this.#get(existing)
    if (this.#find(path) !== undefined) throw systemError('EEXIST')
    this.#parent(path).names.set(baseName(path), node)
    this.changed()
  }

  async rename(from: string, to: string): Promise<void> {
    const node = this.#get(from)
    this.#parent(to).names.set(baseName(to), node)
    this.#parent(from).names.delete(baseName(from))
    this.changed()
  }

  async unlink(path: string): Promise<void> {
    this.#get(path)
    this.#parent(path).names.delete(baseName(path))
    this.changed()
  }

  async mkdir(path: string): Promise<void> {
    if (this.#find(path) !== undefined) throw systemError('EEXIST')
    this.#parent(path).names.set(baseName(path), folder())
    this.changed()
  }

  async readdir(path: string): Promise<string[]> {
    const node = this.#get(path)
    if (node.kind === 'file') throw systemError('ENOTDIR')
    return [...node.names.keys()]
  }

  async lstat(path: string): Promise<FileSystemStats> {
    return statsOf(this.#get(path))
  }

  async rm(path: string): Promise<void> {
    if (this.#find(path) !== undefined) await this.unlink(path)
  }

  #handle(node: Node): FileSystemFile {
    const fileOf = () => (node.kind === 'file' ? node : raise('EISDIR'))
    return {
      write: async (bytes, offset, length, position) => {
        const file = fileOf()
        const at = position ?? file.bytes.length
        const longer = new Uint8Array(Math.max(file.bytes.length, at + length))
        longer.set(file.bytes)
        longer.set(bytes.subarray(offset, offset + length), at)
        file.bytes = longer
        this.changed()
        return { bytesWritten: length }
      },
      read: async (bytes, offset, length, position) => {
        const piece = fileOf().bytes.subarray(position, position + length)
        bytes.set(piece, offset)
        return { bytesRead: piece.length }
      },
      stat: async () => statsOf(node),
      sync: async () => {
        if (node.kind === 'file' && this.#forgets !== 'files') node.synced = node.bytes
        if (node.kind === 'folder' && this.#forgets !== 'folders') node.synced = new Map(node.names)
        this.changed()
      },
      close: async () => {},
    }
  }

  #find(path: string): Node | undefined {
    let node: Node | undefined = this.#root
    for (const name of path.split('/').slice(1)) {
      if (node?.kind === 'file') throw systemError('ENOTDIR')
      node = node?.names.get(name)
    }
    return node
  }

  #get(path: string): Node {
    return this.#find(path) ?? raise('ENOENT')
  }

  #parent(path: string): Folder {
    const parent = this.#get(path.slice(0, path.lastIndexOf('/')))
    return parent.kind === 'folder' ? parent : raise('ENOTDIR')
  }
}

function folder(): Folder {
  return { kind: 'folder', names: new Map(), synced: new Map() }
}

function rootWith(name: string): Folder {
  const names = new Map<string, Node>([[name, folder()]])
  return { kind: 'folder', names, synced: new Map(names) }
}

function remainsOf(node: Folder, path: string, survives: Survives): Folder {
  const remains = folder()
  for (const name of new Set([...node.synced.keys(), ...node.names.keys()])) {
    const now = node.names.get(name)
    const synced = node.synced.get(name)
    const left = now !== synced && survives(`${path}/${name}`) ? now : synced
    if (left === undefined) continue
    const copy: Node =
      left.kind === 'file' ? { kind: 'file', bytes: left.synced, synced: left.synced } : remainsOf(left, `${path}/${name}`, survives)
    remains.names.set(name, copy)
    remains.synced.set(name, copy)
  }
  return remains
}

const inodes = new WeakMap<Node, number>()
let lastInode = 0

function newInode(): number {
  lastInode += 1
  return lastInode
}

function statsOf(node: Node): FileSystemStats {
  const isFile = node.kind === 'file'
  const ino = inodes.get(node) ?? newInode()
  inodes.set(node, ino)
  return { ino, size: isFile ? node.bytes.length : 0, mtimeMs: Date.now(), isFile: () => isFile, isDirectory: () => !isFile }
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function raise(code: string): never {
  throw systemError(code)
}
