const pieceCharacters = 6_000
/** What stands across the end of a piece stands in the next one, too, if it is no longer. */
export const overlapCharacters = 600

/**
 * A text in pieces of at most 6,000 characters, so that neither memory nor rank depends on how long an entry is. They overlap by some hundred
 * characters: a phrase that lies across an end is whole in the next piece. None is empty but that of an empty text.
 */
export function piecesOf(text: string): readonly string[] {
  if (text.length <= pieceCharacters) return [text]
  const pieces: string[] = []
  for (let start = 0; ; start += pieceCharacters - overlapCharacters) {
    pieces.push(text.slice(start, start + pieceCharacters))
    if (start + pieceCharacters >= text.length) return pieces
  }
}
