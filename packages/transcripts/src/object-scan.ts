import { objectScanCode } from './object-scan-code.ts'

/**
 * The longest text that is scanned. The memory of the scan grows to the longest text so far, and is kept; what is longer is for the parser, of
 * which such a line takes far more.
 */
const maxTextBytes = 4 << 20
const pageBytes = 64 << 10
// As object-scan.wat lays out its memory.
const fieldsAt = 1024
const textAt = 4096
const spareBytes = 16

/**
 * Where a scan has its text and puts the fields it finds. Field `n` of an object has five numbers from `5 * n` on: its depth, 1 (its own) or 2
 * (that of its objects), and the places in `bytes` where its name starts and ends and where its value starts and ends. The name is as written,
 * without quotes; a string value with them.
 */
export interface ObjectScan {
  readonly bytes: Buffer
  readonly fields: Int32Array
  /** Where the text lies in `bytes`. */
  readonly start: number
  /**
   * Looks through JSON without making values of it, in a small part of the time that parsing takes. Gives how many fields of depth 1 and 2 the
   * bytes between two places have, if they are one JSON object by the same grammar as `JSON.parse` (that they are UTF-8 is for the caller to
   * know). `undefined` for anything else, and for an object that is left to the parser: over 500 levels deep, over 64 such fields, or one with
   * an escape in the name of a field.
   */
  count(start: number, end: number): number | undefined
}

/**
 * Copies a text to where it can be scanned. What is given is good until the next text is; copying takes a thirtieth of the time of the scan.
 * `undefined` for a text over 4 MiB, and in a process that may run no WebAssembly: both are for the parser.
 */
export function scanning(text: Uint8Array): ObjectScan | undefined {
  if (text.length > maxTextBytes) return undefined
  loaded ??= load()
  if (loaded === 'refused') return undefined
  const missing = textAt + text.length + spareBytes - loaded.scan.bytes.length
  if (missing > 0) {
    loaded.memory.grow(Math.ceil(missing / pageBytes))
    loaded.scan = scanIn(loaded)
  }
  loaded.scan.bytes.set(text, textAt)
  return loaded.scan
}

/** What is used here of WebAssembly, whose types TypeScript has only among those of browsers. */
interface LinearMemory {
  readonly buffer: ArrayBuffer
  grow(pages: number): number
}
declare const WebAssembly:
  | undefined
  | {
      readonly Module: new (code: Uint8Array) => object
      readonly Instance: new (module: object) => { readonly exports: Readonly<Record<string, unknown>> }
      readonly Memory: new (limits: object) => LinearMemory
    }

interface Loaded {
  readonly memory: LinearMemory
  readonly run: (start: number, end: number) => number
  scan: ObjectScan
}

let loaded: Loaded | 'refused' | undefined

function load(): Loaded | 'refused' {
  if (typeof WebAssembly === 'undefined') return 'refused'
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Buffer.from(objectScanCode, 'base64')))
  const { memory, scanObject } = exports
  if (!(memory instanceof WebAssembly.Memory) || typeof scanObject !== 'function') return 'refused'
  const run = (start: number, end: number): number => scanObject(start, end)
  return { memory, run, scan: scanIn({ memory, run }) }
}

function scanIn({ memory, run }: Pick<Loaded, 'memory' | 'run'>): ObjectScan {
  const { buffer } = memory
  return {
    bytes: Buffer.from(buffer),
    fields: new Int32Array(buffer, fieldsAt),
    start: textAt,
    count(start, end) {
      const count = run(start, end)
      return count < 0 ? undefined : count
    },
  }
}
