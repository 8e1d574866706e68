/**
 * What `context` must know of an entry beyond its kind and role.
 *
 * - `sidechain`: a sub-agent's line in the main part; not on the main branch.
 * - `reply`: one block of an assistant's message; blocks of one message share `messageId`, `calls` says that it calls a tool.
 * - `error`: an error of the API that the client wrote down as an assistant's message; the model never sees it.
 * - `result`: results of tools, of `tool` where its name is known.
 * - `meta`: a user line that the client wrote, such as the text of a skill.
 * - `local`: what a command of the client said, run by the user, not a prompt.
 * - `beside`: an attachment, system or progress line, hanging off the line that it belongs to.
 * - `boundary`: a compaction; what it keeps comes right after the entry `anchor`, and ends with the entry `tail`.
 */
export type Note =
  | { readonly is: 'sidechain' | 'error' | 'meta' | 'local' | 'beside' }
  | { readonly is: 'reply'; readonly calls: boolean; readonly messageId?: string | undefined }
  | { readonly is: 'result'; readonly tool?: string | undefined }
  | { readonly is: 'boundary'; readonly anchor?: string | undefined; readonly tail?: string | undefined }

const plainNotes: ReadonlyMap<string, Note> = new Map(
  (['sidechain', 'error', 'meta', 'local', 'beside'] as const).map((is) => [is, { is }]),
)

/** The note as one short string, for an index. A name that holds control characters or goes over 200 characters is left out. */
export function writeNote(note: Note): string {
  switch (note.is) {
    case 'reply':
      return joined(note.calls ? 'calls' : 'says', note.messageId)
    case 'result':
      return joined('result', note.tool)
    case 'boundary':
      return joined('boundary', note.anchor, note.tail)
    default:
      return note.is
  }
}

/** The note that `writeNote` wrote, or `undefined`. */
export function readNote(text: string | undefined): Note | undefined {
  if (text === undefined) return undefined
  // Most notes are one of these words, and every entry's is read for every context.
  const plain = plainNotes.get(text)
  if (plain !== undefined) return plain
  const [word, ...fields] = text.split('\t')
  const [first, second] = fields.map((field) => (field === '' ? undefined : field))
  switch (word) {
    case 'calls':
    case 'says':
      return { is: 'reply', calls: word === 'calls', messageId: first }
    case 'result':
      return { is: 'result', tool: first }
    case 'boundary':
      return { is: 'boundary', anchor: first, tail: second }
    default:
      return undefined
  }
}

function joined(word: string, ...fields: readonly (string | undefined)[]): string {
  return [word, ...fields.map((field) => (field === undefined || !isShortName(field) ? '' : field))].join('\t').trimEnd()
}

function isShortName(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not get into a note.
  return text.length <= 200 && !/[\u0000-\u001f]/.test(text)
}
