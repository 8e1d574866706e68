import { stemmer } from 'stemmer'

const mostRemembered = 131_072
/** Porter's algorithm takes nothing else off a word's end, and leaves most words as they are. */
const ending = /(?:[eisy]|ed|ng|ic|[aul]l|sm|on|[eo]r|nt|ou)$/
const slots = new Int32Array(mostRemembered * 4)
const lastSlot = slots.length - 1
const words: string[] = []
/** Of each word its stem; `undefined` where that is the word itself. */
const stems: (string | undefined)[] = []
/** In which text each word was met last. */
const metIn = new Float64Array(mostRemembered)
let texts = 0

const firstLetter = 97
const letters = 26
const endings = Uint8Array.from({ length: letters * letters }, (_, at) =>
  Number(ending.test(String.fromCharCode(firstLetter + Math.floor(at / letters), firstLetter + (at % letters)))),
)

/** The stem of an English word in lower case, by Porter's algorithm. */
export function stemOf(word: string): string {
  return stemmer(word)
}

/** Whether a word that ends with these two letters, in lower case, may have a stem that differs from it. */
export function mayHaveStem(beforeLast: number, last: number): boolean {
  return endings[(beforeLast - firstLetter) * letters + last - firstLetter] === 1
}

/** What tells words apart before they are compared: begun with `noHash`, a character at a time. */
export const noHash = 17

/** The hash of a word with one more character. */
export function hashed(hash: number, code: number): number {
  return (Math.imul(hash, 31) + code) | 0
}

/** Finds the stems of a text's words, each word's once. Remembers some 65,000 words: texts say the same ones again and again. */
export interface StemFinder {
  /** The stem of the word, in lower case, that stands between two characters; `undefined` where it is the word itself, or the word was asked for before. `hash` is that of its letters in lower case. */
  stemAt(text: string, start: number, end: number, hash: number, hasCapitals: boolean): string | undefined
}

const finder: StemFinder = {
  stemAt(text, start, end, hash, hasCapitals) {
    const word = hasCapitals ? text.slice(start, end).toLowerCase() : undefined
    for (let slot = (hash ^ (hash >>> 15)) & lastSlot; ; slot = (slot + 1) & lastSlot) {
      const at = (slots[slot] ?? 0) - 1
      if (at === -1) return added(slot, word ?? text.slice(start, end))
      const known = words[at] ?? ''
      if (known.length !== end - start || (word === undefined ? !standsAt(text, start, known) : word !== known)) continue
      if (metIn[at] === texts) return undefined
      metIn[at] = texts
      return stems[at]
    }
  },
}

/** For one text. It must be done with one before another begins. */
export function stemFinder(): StemFinder {
  texts += 1
  if (words.length >= mostRemembered / 2) forget()
  return finder
}

function added(slot: number, word: string): string | undefined {
  const stem = stemmer(word)
  const differs = stem === word ? undefined : stem
  if (words.length >= mostRemembered) return differs
  metIn[words.length] = texts
  words.push(word)
  stems.push(differs)
  slots[slot] = words.length
  return differs
}

function forget(): void {
  slots.fill(0)
  words.length = 0
  stems.length = 0
}

function standsAt(text: string, start: number, word: string): boolean {
  for (let at = 0; at < word.length; at += 1) if (text.charCodeAt(start + at) !== word.charCodeAt(at)) return false
  return true
}
