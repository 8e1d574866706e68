import { asList, asName, asRecord, asString, type JsonRecord } from '../json-fields.ts'
import { dataOf, typeOf } from './format.ts'

/** Everything a person or a search could want to read in an event, in plain text. */
export function eventText(value: JsonRecord): string {
  const data = dataOf(value)
  switch (typeOf(value)) {
    case 'user.message':
    case 'system.message':
    case 'system.notification':
    case 'skill.context_delivered':
      return asString(data['content']) ?? ''
    case 'assistant.message':
      return joined([asString(data['reasoningText']), asString(data['content']), ...asList(data['toolRequests']).map(requestText)])
    case 'tool.execution_complete':
      return joined([resultText(data['result']), asString(asRecord(data['error'])?.['message'])])
    case 'session.compaction_complete':
      return asString(data['summaryContent']) ?? asString(data['error']) ?? ''
    default:
      return Object.keys(data).length === 0 ? '' : JSON.stringify(data)
  }
}

/** The tool that an event calls; a result names its call, not its tool. */
export function eventTool(value: JsonRecord): string | undefined {
  const data = dataOf(value)
  const [request] = asList(data['toolRequests'])
  return asName(data['toolName']) ?? asName(asRecord(request)?.['name'])
}

function requestText(request: unknown): string {
  const { name, arguments: given } = asRecord(request) ?? {}
  return [asString(name), given === undefined ? undefined : typeof given === 'string' ? given : JSON.stringify(given)]
    .filter((word) => word !== undefined)
    .join(' ')
}

/** The detailed content is what people are shown; it often only repeats the other. */
function resultText(result: unknown): string {
  if (typeof result === 'string') return result
  const { content, detailedContent } = asRecord(result) ?? {}
  const short = asString(content)
  const detailed = asString(detailedContent)
  return joined([short, detailed === short ? undefined : detailed])
}

function joined(parts: readonly (string | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== '').join('\n')
}
