import { stemmer } from 'stemmer'

/** Porter's algorithm takes nothing else off a word's end, and leaves most words as they are. */
const ending = /(?:[eisy]|ed|ng|ic|[aul]l|sm|on|[eo]r|nt|ou)$/
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
