/**
 * Text of a transcript as a model may read it: line feeds and tabs stay; other control characters, terminal colours, characters that turn the
 * direction of writing, and characters that nobody sees (zero-width, fillers, variation selectors, tags) go. What is left is well-formed UTF-16.
 */
export function plainText(text: string): string {
  return text.replace(lineEnds, '\n').replace(terminalSequences, '').replace(unseen, '').replace(loneSurrogates, '\ufffd')
}

/** The same on one line, cut to `maxCharacters` with an ellipsis. */
export function oneLine(text: string, maxCharacters: number): string {
  const line = plainText(text).replace(/\s+/g, ' ').trim()
  return line.length <= maxCharacters ? line : `${line.slice(0, cutBefore(line, maxCharacters - 1))}…`
}

/** `end`, or one less where the text would be cut within a character. */
export function cutBefore(text: string, end: number): number {
  const code = text.charCodeAt(end - 1)
  const splits = end < text.length && code >= 0xd800 && code <= 0xdbff
  return splits ? end - 1 : end
}

const loneSurrogates = /\p{Surrogate}/gu

const lineEnds = /\r\n|[\r\u2028\u2029]/g

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const terminalSequences = /\u001b\[[0-?]*[ -/]*[@-~]/g

const unseen = new RegExp(
  [
    // C0 but tab and line feed, delete, C1.
    '[\\u0000-\\u0008\\u000b-\\u001f\\u007f-\\u009f',
    // Soft hyphen, grapheme joiner, Arabic letter mark, fillers, Mongolian separators.
    '\\u00ad\\u034f\\u061c\\u115f\\u1160\\u17b4\\u17b5\\u180b-\\u180f\\u3164\\uffa0',
    // Zero-width characters, directional marks, embeddings, overrides, isolates, invisible operators.
    '\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufeff\\ufff0-\\ufffb',
    // Variation selectors, shorthand and musical format controls, tags and the supplementary selectors.
    '\\ufe00-\\ufe0f\\u{1bca0}-\\u{1bca3}\\u{1d173}-\\u{1d17a}\\u{e0000}-\\u{e0fff}]',
  ].join(''),
  'gu',
)
