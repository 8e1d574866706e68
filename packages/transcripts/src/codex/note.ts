/**
 * What the reader itself needs of an entry beyond its structure, written and read here alone.
 *
 * - `prompt`: what a user wrote; `context`: what Codex put before a prompt (instructions, the environment).
 * - `summary-output`: the model's answer to the request for a summary. It stands before the compaction, but was never part of a context.
 * - `result`: the output of a tool.
 */
export type Note = { readonly is: 'prompt' | 'context' | 'summary-output' } | { readonly is: 'result'; readonly tool?: string | undefined }

/** The note as one short string. The name of a tool that is longer than 200 characters is left out. */
export function writeNote(note: Note): string {
  return note.is !== 'result' || note.tool === undefined || note.tool.length > 200 ? note.is : `result ${note.tool}`
}

/** The note that `writeNote` wrote, or `undefined`. */
export function readNote(text: string | undefined): Note | undefined {
  switch (text) {
    case 'prompt':
    case 'context':
    case 'summary-output':
    case 'result':
      return { is: text }
    default:
      return text?.startsWith('result ') === true ? { is: 'result', tool: text.slice('result '.length) } : undefined
  }
}
