import { readFile, stat } from 'node:fs/promises'
import { CheckpointError } from '@palimpsest/core'
import { type Configuration, type ConfigurationInput, configurationFile, resolveConfiguration } from './configuration.ts'

/** Reads the user's file, where there is one, and settles every setting. Throws `ARGUMENT_INVALID`. */
export async function readConfiguration(input: Omit<ConfigurationInput, 'fileText'>): Promise<Configuration> {
  return resolveConfiguration({ ...input, fileText: await readText(configurationFile(input)) })
}

async function readText(file: string): Promise<string | undefined> {
  try {
    // A pipe would be waited for, so it is looked at before it is opened.
    if ((await stat(file)).isFile()) return await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && (cause.code === 'ENOENT' || cause.code === 'ENOTDIR')) return undefined
    throw unreadable(file, cause instanceof Error ? cause.message : String(cause), cause)
  }
  throw unreadable(file, 'it is not a regular file', undefined)
}

function unreadable(file: string, problem: string, cause: unknown): CheckpointError<'ARGUMENT_INVALID'> {
  return new CheckpointError(
    'ARGUMENT_INVALID',
    `The configuration ${file} can't be read: ${problem}. Make it readable, or move it away to go without.`,
    { argument: file },
    { cause },
  )
}
