import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'

/** Fields of lines without a message, in which something can be read: titles, queued prompts, summaries, links. */
const readableFields = ['content', 'summary', 'customTitle', 'aiTitle', 'lastPrompt', 'tag', 'agentName', 'prUrl', 'relocatedCwd'] as const

/** Fields of an attachment that hold its text where the client wrote no rendering down (before 2.1.330). */
const attachmentFields = [
  'content',
  'prompt',
  'snippet',
  'filename',
  'planContent',
  'text',
  'stdout',
  'stderr',
  'blockingError',
  'command',
] as const

const maxDepth = 4

/**
 * Everything readable in a line: of messages text, thinking, the name and input of tools, their results, and from `toolUseResult` what the
 * message does not already hold; the rendered text of attachments; summaries and titles. Copies of requests (`api-request…`) give nothing, since
 * they repeat messages that have their own lines. Never throws.
 */
export function textOfLine(value: JsonRecord): string {
  const type = asName(value['type']) ?? ''
  if (type.startsWith('api-request')) return ''
  if (type === 'attachment') return attachmentText(value)
  if (type === 'progress') return progressText(asRecord(value['data']))
  if (type === 'file-history-snapshot') return Object.keys(asRecord(asRecord(value['snapshot'])?.['trackedFileBackups']) ?? {}).join('\n')
  if (type === 'file-history-delta') return asString(value['trackingPath']) ?? ''
  const message = messageText(value)
  const result = type === 'user' ? resultText(value['toolUseResult'], message) : ''
  const fields = readableFields.map((name) => asString(value[name])).filter((text) => text !== undefined)
  return joined([message, result, ...fields])
}

/** The text of a line's message: its content, without what stands beside it. */
export function messageText(value: JsonRecord): string {
  return contentText(asRecord(value['message'])?.['content'], 0)
}

/** Whether a rendering for the model was written down with an attachment. */
export function isRendered(value: JsonRecord): boolean {
  return renderedText(value) !== ''
}

/** The blocks of a line's message; none where its content is plain text. */
export function blocksOf(value: JsonRecord): readonly JsonRecord[] {
  return asList(asRecord(value['message'])?.['content'])
    .map(asRecord)
    .filter((block) => block !== undefined)
}

function contentText(content: unknown, depth: number): string {
  if (typeof content === 'string') return content
  if (depth > maxDepth) return ''
  const single = asRecord(content)
  if (single !== undefined) return blockText(single, depth)
  return joined(
    asList(content).map((item) => {
      const block = asRecord(item)
      return block === undefined ? (asString(item) ?? '') : blockText(block, depth)
    }),
  )
}

function blockText(block: JsonRecord, depth: number): string {
  const type = asName(block['type']) ?? ''
  if (type === 'thinking') return asString(block['thinking']) ?? ''
  if (type === 'image') return '[image]'
  if (type.endsWith('tool_use')) return `${asString(block['name']) ?? ''} ${jsonText(block['input'])}`.trim()
  if (type === 'document') {
    const source = asRecord(block['source'])
    return joined([asString(block['title']) ?? '', source?.['type'] === 'text' ? (asString(source['data']) ?? '') : '[document]'])
  }
  return asString(block['text']) ?? contentText(block['content'], depth + 1)
}

function attachmentText(value: JsonRecord): string {
  const rendered = renderedText(value)
  if (rendered !== '') return rendered
  const attachment = asRecord(value['attachment'])
  if (attachment === undefined || attachment['type'] === 'prompt_snapshot') return ''
  return joined(
    attachmentFields.map((name) => {
      const field = attachment[name]
      const file = asRecord(asRecord(field)?.['file'])
      return file === undefined ? contentText(field, 0) : (asString(file['content']) ?? '')
    }),
  )
}

function renderedText(value: JsonRecord): string {
  return joined(asList(value['rendered']).map((part) => contentText(asRecord(part)?.['content'], 0)))
}

function progressText(data: JsonRecord | undefined): string {
  const message = asRecord(data?.['message'])
  // `output` is the end of `fullOutput`, where there is one.
  const output = asString(data?.['fullOutput']) ?? asString(data?.['output']) ?? ''
  const own = [asString(data?.['command']) ?? '', asString(data?.['prompt']) ?? '', output]
  return joined([...own, message === undefined ? '' : messageText(message)])
}

/** What a tool gave back beside its message: often the same, or more where the message was cut. */
function resultText(result: unknown, message: string): string {
  const record = asRecord(result)
  const isSaid = (text: string) => message.includes(text.trim())
  if (record !== undefined) {
    const texts = ['stdout', 'stderr', 'result', 'content'].map((name) => contentText(record[name], 0))
    return joined(texts.filter((text) => !isSaid(text)))
  }
  const text = contentText(result, 0)
  // Before a failure the client puts a word of its own; what a command wrote is its own from the first character.
  return isSaid(text.replace(/^Error: /, '')) ? '' : text
}

function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return '' // nested deeper than the stack
  }
}

function joined(texts: readonly string[]): string {
  return texts.filter((text) => text !== '').join('\n')
}
