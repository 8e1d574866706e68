import { hash } from 'node:crypto'
import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { contentText, isSummaryMessage } from './item-text.ts'

/** So much of the prompts before it a compaction of 0.101 keeps: 20,000 tokens, which Codex reckons at 4 bytes each. */
const keptPromptBytes = 80_000

/** Codex's own messages in a user's name, as far as their texts tell (codex-rs/core, contextual_user_message.rs). */
const contextualText =
  /^\s*(?:<(?:environment_context|user_instructions|user_shell_command|turn_aborted|skill|subagent_notification|permissions instructions|hook_prompt)\b|# AGENTS\.md instructions)/

/** A prompt on the branch that is being read. */
interface Prompt {
  readonly id: string
  /** The entry before it. */
  readonly before: string | undefined
  /** The entry before what Codex itself put in front of it for this turn. */
  readonly beforeTurn: string | undefined
}

/** The prompts of the branch, in order: what a rollback takes back, and what a compaction keeps. */
export interface Prompts {
  add(prompt: Prompt, text: string): void
  readonly count: number
  /** Takes the last `turns` prompts back, and gives the entry that the branch then ends with. */
  rollBack(turns: number): string | undefined
  /** The prompts with these texts, each text the last prompt that has it and is not taken yet, in the order of the texts. */
  withTexts(texts: readonly string[]): readonly (string | undefined)[]
  /** The last prompts, as many as a compaction keeps that doesn't name what it keeps. */
  recent(): readonly string[]
}

/** No prompts yet. Of a text only a digest is kept. */
export function noPrompts(): Prompts {
  const prompts: (Prompt & { readonly digest: string; readonly sizeBytes: number })[] = []
  const byDigest = new Map<string, string[]>()
  return {
    add(prompt, text) {
      const digest = digestOf(text)
      prompts.push({ ...prompt, digest, sizeBytes: Buffer.byteLength(text) })
      const known = byDigest.get(digest)
      if (known === undefined) byDigest.set(digest, [prompt.id])
      else known.push(prompt.id)
    },
    get count() {
      return prompts.length
    },
    rollBack(turns) {
      const cut = prompts[Math.max(0, prompts.length - turns)]
      // What comes before the very first prompt is the session's own beginning.
      const end = turns >= prompts.length ? cut?.before : cut?.beforeTurn
      for (const prompt of prompts.splice(Math.max(0, prompts.length - turns))) byDigest.get(prompt.digest)?.pop()
      return end
    },
    withTexts(texts) {
      const taken = new Map<string, number>()
      return texts
        .toReversed()
        .map((text) => {
          const digest = digestOf(text)
          const count = taken.get(digest) ?? 0
          taken.set(digest, count + 1)
          return byDigest.get(digest)?.at(-1 - count)
        })
        .toReversed()
    },
    recent() {
      let from = prompts.length
      for (let left = keptPromptBytes; from > 0 && left > 0; from--) left -= prompts[from - 1]?.sizeBytes ?? 0
      return prompts.slice(from).map(({ id }) => id)
    },
  }
}

/** Whether a message of the role `user` is what a user wrote, and not what Codex put there in the user's name. */
export function isPrompt(item: JsonRecord): boolean {
  if (item['type'] !== 'message' || item['role'] !== 'user') return false
  const kinds = asList(asRecord(item['internal_chat_message_metadata_passthrough'])?.['content_item_kinds'])
  if (kinds.length > 0) return kinds.some((kind) => asString(kind)?.startsWith('user.') === true)
  const text = contentText(item['content'])
  return !contextualText.test(text) && !isSummaryMessage(text)
}

/** The items by which a compaction replaced the context; `undefined` where it doesn't name them (0.101). */
export function replacementItems(payload: JsonRecord): readonly JsonRecord[] | undefined {
  const items: unknown = payload['replacement_history']
  if (!Array.isArray(items)) return undefined
  return asList(items)
    .map(asRecord)
    .filter((item) => item !== undefined)
}

/** What tells one compaction from another wherever its line is copied to: forks stamp lines anew, and a migration gives items ids. */
export function compactionDigest(payload: JsonRecord): string {
  const items = (replacementItems(payload) ?? []).map((item) => [item['role'], contentText(item['content']), item['encrypted_content']])
  return hash('sha256', JSON.stringify([payload['message'] ?? '', items]), 'hex').slice(0, 32)
}

/** The id that Codex gives a compaction: that of the context window which it opens; none before 0.145. */
export function windowId(payload: JsonRecord): string | undefined {
  return asName(payload['window_id'])
}

function digestOf(text: string): string {
  return hash('sha256', text, 'base64').slice(0, 22)
}
