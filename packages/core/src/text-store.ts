import { freeBytes } from './free-bytes.ts'
import { type TextForm, type TextPacker, textPacker, unpackedText } from './packed-text.ts'

/** Texts by number, in the order in which they were appended, packed. */
export interface TextStore {
  readonly size: number
  /** Appends what the packer holds, which is `text`. */
  append(packer: TextPacker, text: string): number
  /** Whether the text of a number is what the packer holds. */
  equals(number: number, packer: TextPacker, text: string): boolean
  at(number: number): string
  hashOf(number: number, hash: (words: Uint32Array, count: number) => number): number
  /** Gives the memory back now. */
  free(): void
}

const forms: readonly TextForm[] = ['hex', 'uuid', 'latin1', 'utf16', 'long']

/** References of texts that lie behind one another. Pages, since an array that grows is there twice while it is copied. */
interface Page {
  /** By form: the word itself, the place among the words, the place among the long ones. */
  readonly references: Uint32Array
  readonly forms: Uint8Array
}

const pageBits = 12
const pageSize = 1 << pageBits

/** An empty store. */
export function textStore(): TextStore {
  const pages: Page[] = []
  const words = wordStore()
  const long: string[] = []
  const longPacker = textPacker()
  const one = new Uint32Array(1)
  let size = 0
  const referenceOf = (number: number) => pages[number >>> pageBits]?.references[number & (pageSize - 1)] ?? 0
  const formOf = (number: number): TextForm => forms[pages[number >>> pageBits]?.forms[number & (pageSize - 1)] ?? 0] ?? 'hex'
  return {
    get size() {
      return size
    },
    append(packer, text) {
      const page = pages[size >>> pageBits] ?? { references: new Uint32Array(pageSize), forms: new Uint8Array(pageSize) }
      pages[size >>> pageBits] = page
      const at = size & (pageSize - 1)
      page.forms[at] = forms.indexOf(packer.form)
      if (packer.form === 'hex') page.references[at] = packer.words[0] ?? 0
      else page.references[at] = packer.form === 'long' ? long.push(text) - 1 : words.append(packer)
      return size++
    },
    equals(number, packer, text) {
      if (formOf(number) !== packer.form) return false
      const reference = referenceOf(number)
      if (packer.form === 'hex') return reference === packer.words[0]
      return packer.form === 'long' ? long[reference] === text : words.equals(reference, packer)
    },
    at(number) {
      const reference = referenceOf(number)
      const form = formOf(number)
      if (form === 'long') return long[reference] ?? ''
      if (form !== 'hex') return unpackedText(form, words.pageOf(reference), words.placeOf(reference))
      one[0] = reference
      return unpackedText(form, one, 0)
    },
    free() {
      for (const page of pages) {
        freeBytes(page.references)
        freeBytes(page.forms)
      }
      words.free()
      pages.length = 0
      size = 0
    },
    hashOf(number, hash) {
      const reference = referenceOf(number)
      const form = formOf(number)
      if (form === 'hex') {
        one[0] = reference
        return hash(one, 1)
      }
      if (form === 'long') {
        longPacker.pack(long[reference] ?? '')
        return hash(longPacker.words, longPacker.count)
      }
      const from = words.placeOf(reference)
      const page = words.pageOf(reference)
      const count = form === 'uuid' ? 4 : 1 + Math.ceil((page[from] ?? 0) / (form === 'utf16' ? 2 : 4))
      return hash(page.subarray(from, from + count), count)
    },
  }
}

interface WordStore {
  append(packer: TextPacker): number
  equals(reference: number, packer: TextPacker): boolean
  pageOf(reference: number): Uint32Array
  placeOf(reference: number): number
  free(): void
}

/** Words of texts behind one another, in pages; no text lies across two. */
function wordStore(): WordStore {
  const bits = 14
  const mask = (1 << bits) - 1
  const pages: Uint32Array[] = []
  const none = new Uint32Array(1)
  let end = 0
  const pageOf = (reference: number) => pages[reference >>> bits] ?? none
  return {
    append({ words, count }) {
      if ((end & mask) + count > mask + 1) end = ((end >>> bits) + 1) * (mask + 1)
      const page = pages[end >>> bits] ?? new Uint32Array(mask + 1)
      pages[end >>> bits] = page
      const from = end & mask
      for (let offset = 0; offset < count; offset++) page[from + offset] = words[offset] ?? 0
      end += count
      return end - count
    },
    equals(reference, { words, count }) {
      const page = pageOf(reference)
      const from = reference & mask
      for (let offset = 0; offset < count; offset++) if (page[from + offset] !== words[offset]) return false
      return true
    },
    pageOf,
    placeOf: (reference) => reference & mask,
    free() {
      for (const page of pages) freeBytes(page)
      pages.length = 0
    },
  }
}
