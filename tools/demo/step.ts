/** What the demo writes: each step with the command that a person would type, what came of it, and what was checked. */

const colours = process.stdout.isTTY === true && (process.env['NO_COLOR'] ?? '') === ''
const styled = (code: string) => (text: string) => (colours ? `\u001b[${code}m${text}\u001b[0m` : text)
const bold = styled('1')
const dim = styled('2')
const red = styled('31')
const green = styled('32')
const cyan = styled('36')

let steps = 0

/** Begins a step. */
export function step(title: string): void {
  steps++
  console.log(`\n${bold(`${steps}. ${title}`)}`)
}

/** A command line, as one would type it. */
export function command(line: string): void {
  console.log(`   ${cyan(`$ ${line}`)}`)
}

/** What a command printed: at most `mostLines` of it. */
export function printed(text: string, mostLines = 12): void {
  const lines = text.trimEnd().split('\n')
  for (const line of lines.slice(0, mostLines)) console.log(dim(`   ${line.length > 150 ? `${line.slice(0, 149)}…` : line}`))
  if (lines.length > mostLines) console.log(dim(`   … ${lines.length - mostLines} more lines`))
}

export function say(text: string): void {
  console.log(`   ${text}`)
}

/** A claim that does not hold ends the demo. */
export class FalseClaim extends Error {
  override readonly name = 'FalseClaim'
}

/** Checks what the demo claims. Throws `FalseClaim`. */
export function claim(text: string, holds: boolean, detail = ''): asserts holds {
  if (!holds) {
    console.log(`   ${red('✗')} ${text}`)
    throw new FalseClaim(detail === '' ? text : `${text}: ${detail}`)
  }
  console.log(`   ${green('✓')} ${text}`)
}

export function title(text: string): void {
  console.log(bold(text))
}
