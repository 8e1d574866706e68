import { hasGrams } from './grams.ts'

/** What a UTF-16 code unit is to an index. */
export const kind = {
  /** Of no word, or of one that FTS5's own tokenizer handles alone. */
  none: 0,
  small: 1,
  digit: 2,
  capital: 3,
  /** Of a script that puts no space between words, or a pictogram; or half of one. */
  grams: 4,
} as const

/** The kind of each UTF-16 code unit. */
export const characterKinds: Uint8Array = Uint8Array.from({ length: 65_536 }, (_, code) => kindOf(code))

function kindOf(code: number): number {
  if (code >= 97 && code <= 122) return kind.small
  if (code >= 65 && code <= 90) return kind.capital
  if (code >= 48 && code <= 57) return kind.digit
  return code > 127 && hasGrams(code) ? kind.grams : kind.none
}
