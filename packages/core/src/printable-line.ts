// Stands in `apps/cli/src/printable.ts` too, which must not load core for a command's help.
const breaks = /[\t\n\r\u2028\u2029]+/g
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about.
const unprintable = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g

/** A text on one line, without C0 and C1 controls and those that turn the direction of writing. Runs of line breaks are one `⏎`. */
export function printableLine(text: string): string {
  return text
    .replace(breaks, (found) => (found.includes('\n') || found.includes('\r') ? ' ⏎ ' : ' '))
    .replace(unprintable, '')
    .trim()
}
