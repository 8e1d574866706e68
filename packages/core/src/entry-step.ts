/** Whose words they are: a person's, the model's, or what the agent itself, an extension or a summary put into the context. */
export type Speaker = 'user' | 'assistant' | 'system'

/**
 * What an entry says and does, in words that all agents share: each reader knows how its agent names its tools and their arguments. A call and what it
 * gave back may stand in one entry or in two; `callId` ties them together.
 *
 * - `said`, `thought`: prose.
 * - `ran`: a command line for a shell.
 * - `read`, `wrote`, `replaced`: a file, with the text that was written, and the text that stood there before.
 * - `called`: any other tool.
 * - `returned`: what a tool gave back; `failed` where the agent says that it did.
 */
export type EntryStep =
  | { readonly did: 'said'; readonly by: Speaker; readonly text: string }
  | { readonly did: 'thought'; readonly text: string }
  | { readonly did: 'ran'; readonly callId?: string | undefined; readonly command: string }
  | { readonly did: 'read'; readonly callId?: string | undefined; readonly path: string }
  | { readonly did: 'wrote'; readonly callId?: string | undefined; readonly path: string; readonly after?: string | undefined }
  | {
      readonly did: 'replaced'
      readonly callId?: string | undefined
      readonly path?: string | undefined
      readonly before: string
      readonly after?: string | undefined
    }
  | { readonly did: 'called'; readonly callId?: string | undefined; readonly tool: string; readonly input: string }
  | { readonly did: 'returned'; readonly callId?: string | undefined; readonly failed: boolean; readonly text: string }

/** What stands in a step, each text as the model sees it: without the escapes of JSON. */
export function textsOfStep(step: EntryStep): readonly string[] {
  switch (step.did) {
    case 'said':
    case 'thought':
    case 'returned':
      return [step.text]
    case 'ran':
      return [step.command]
    case 'read':
      return [step.path]
    case 'wrote':
      return [step.path, step.after ?? '']
    case 'replaced':
      return [step.path ?? '', step.before, step.after ?? '']
    case 'called':
      return [step.input]
    default:
      return step satisfies never
  }
}
