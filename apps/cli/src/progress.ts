import type { Invocation } from './invocation.ts'

/** A line on a terminal that says how far something has come; nothing anywhere else. */
export interface Progress {
  show(text: string): void
  stop(): void
}

/** Begins a line of progress on standard error, where that is a terminal. */
export async function startProgress(invocation: Invocation, text: string): Promise<Progress> {
  if (!invocation.showsProgress || !hasWidth(invocation.context.stderr)) return { show: () => undefined, stop: () => undefined }
  const { default: ora } = await import('ora')
  // Standard input is left alone: discarding it would swallow Ctrl-C.
  const spinner = ora({
    text,
    stream: invocation.context.stderr,
    discardStdin: false,
    color: invocation.mayColor() ? 'cyan' : false,
  }).start()
  return {
    show(next) {
      spinner.text = next
    },
    stop() {
      spinner.stop()
    },
  }
}

/** A terminal that says it has no columns, as `script` without one makes it, would have the spinner clear lines for ever. */
function hasWidth(stream: object): boolean {
  return 'columns' in stream && typeof stream.columns === 'number' && stream.columns > 0
}
