import { styleText } from 'node:util'
import { printable, printableLine } from './printable.ts'

export type Style = 'bold' | 'dim' | 'red' | 'yellow' | 'green' | 'cyan'

/**
 * Text for people, before it is coloured. Every piece of it is made printable when it is rendered, and only then styled: whatever a transcript
 * says, no escape sequence but our own reaches the terminal.
 */
export type Text = string | { readonly text: string; readonly style: Style } | readonly Text[]

/** A piece of text in a style. */
export function styled(style: Style, text: string): Text {
  return { text, style }
}

/** What is written: printable, and coloured where `colors`. `line` makes it a single line. */
export function renderText(text: Text, options: { readonly colors: boolean; readonly line?: boolean }): string {
  if (typeof text === 'string') return plainText(text, options.line === true)
  if (!('style' in text)) return text.map((piece) => renderText(piece, options)).join('')
  const plain = plainText(text.text, options.line === true)
  return options.colors && plain !== '' ? styleText(text.style, plain, { validateStream: false }) : plain
}

function plainText(text: string, line: boolean): string {
  return line ? printableLine(text) : printable(text)
}

/** `text` on one line and at most `width` characters long; a cut is marked by an ellipsis. */
export function shortened(text: string, width: number): string {
  const characters = [...printableLine(text).trim()]
  return characters.length <= width ? characters.join('') : `${characters.slice(0, width - 1).join('')}…`
}

/** The same with the cut at the front, for paths: what tells them apart is at their end. */
export function shortenedPath(path: string, width: number): string {
  const characters = [...printableLine(path).trim()]
  return characters.length <= width ? characters.join('') : `…${characters.slice(characters.length - width + 1).join('')}`
}

/** `3 checkpoints`, `1 checkpoint`. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count.toLocaleString('en-US')} ${count === 1 ? noun : plural}`
}
