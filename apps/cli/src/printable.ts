/**
 * `text` without what could steer a terminal or hide what it says: C0 controls but tab and line feed, DEL, C1 controls, and the controls of
 * bidirectional text. Letters of every script stay, right-to-left ones too. What remains of an escape sequence is harmless text.
 */
export function printable(text: string): string {
  return text.replace(unprintable, '')
}

/** The same on one line: runs of tabs and line breaks are one space. */
export function printableLine(text: string): string {
  return printable(text.replace(breaks, ' '))
}

const breaks = /[\t\n\r\u2028\u2029]+/g

// Written as a range of code points each, so that this file itself has none of them.
const unprintable = new RegExp(
  [
    '[',
    '\\u0000-\\u0008\\u000b-\\u001f\\u007f', // C0 and DEL, without tab and line feed
    '\\u0080-\\u009f', // C1
    '\\u061c\\u200e\\u200f', // directional marks
    '\\u202a-\\u202e', // embeddings and overrides
    '\\u2066-\\u2069', // isolates
    ']',
  ].join(''),
  'g',
)
