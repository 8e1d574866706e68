import { isAbsolute, join } from 'node:path'
import { CheckpointError, type Retention } from '@palimpsest/core'
import { z } from 'zod'
import { resolveRetention, retentionSchema } from './configured-retention.ts'
import { parseStorageUrl, type StorageLocation } from './storage-url.ts'

/** Where a setting was read: flags stand above `PALIMPSEST_*`, these above the user's file, and all above what is built in. */
export type ConfigurationSource = 'flag' | 'environment' | 'file' | 'default'

/** What is set, and by whom. */
export interface Configuration {
  readonly store: StorageLocation
  readonly storeSource: ConfigurationSource
  /** What is kept; empty: everything. */
  readonly retention: Retention
  readonly retentionSource: ConfigurationSource
  /** The user's file, whether it is there or not. */
  readonly file: string
  /** Where derived data goes. */
  readonly cacheFolder: string
}

/** Everything a configuration is made of. Nothing else is looked at, the working directory least of all. */
export interface ConfigurationInput {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly homeFolder: string
  /** What relative paths in flags and environment are relative to. */
  readonly currentFolder: string
  readonly flags: { readonly store?: string | undefined }
  /** What the user's file holds; `undefined` when there is none. */
  readonly fileText?: string | undefined
}

const fileSchema = z.strictObject({
  /** A storage URL; a relative path is relative to the file's folder. */
  store: z.string().optional(),
  retention: retentionSchema.optional(),
})

const appName = 'palimpsest'

/** The user's file: `$XDG_CONFIG_HOME/palimpsest/config.json`. */
export function configurationFile({ env, homeFolder }: Pick<ConfigurationInput, 'env' | 'homeFolder'>): string {
  return join(baseFolder(env['XDG_CONFIG_HOME'], homeFolder, '.config'), appName, 'config.json')
}

/** Settles every setting. Pure. Throws `ARGUMENT_INVALID`, which names the flag, the variable, or the file and the key in it. */
export function resolveConfiguration(input: ConfigurationInput): Configuration {
  const { env, homeFolder } = input
  const file = configurationFile(input)
  const settings = input.fileText === undefined ? {} : parseFile(file, input.fileText)
  return {
    ...resolveStore(input, file, settings.store),
    ...resolveRetention(env, settings.retention),
    file,
    cacheFolder: join(baseFolder(env['XDG_CACHE_HOME'], homeFolder, '.cache'), appName),
  }
}

function resolveStore(
  { env, homeFolder, currentFolder, flags }: ConfigurationInput,
  file: string,
  fromFile: string | undefined,
): Pick<Configuration, 'store' | 'storeSource'> {
  const parse = (text: string, argument: string, relativeTo: string) =>
    parseStorageUrl(text, { baseFolder: relativeTo, homeFolder, argument })
  if (flags.store !== undefined) return { store: parse(flags.store, '--store', currentFolder), storeSource: 'flag' }
  const fromEnvironment = env['PALIMPSEST_STORE'] ?? ''
  if (fromEnvironment !== '') return { store: parse(fromEnvironment, 'PALIMPSEST_STORE', currentFolder), storeSource: 'environment' }
  if (fromFile !== undefined) return { store: parse(fromFile, `store in ${file}`, join(file, '..')), storeSource: 'file' }
  const folder = join(baseFolder(env['XDG_DATA_HOME'], homeFolder, '.local/share'), appName)
  return { store: parse(folder, 'XDG_DATA_HOME', folder), storeSource: 'default' }
}

function parseFile(file: string, text: string): z.infer<typeof fileSchema> {
  const parsed = fileSchema.safeParse(parseJson(file, text))
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const path = issue?.path.join('.') ?? ''
  const unknown =
    issue?.code === 'unrecognized_keys' ? issue.keys.map((key) => (path === '' ? key : `${path}.${key}`)).join(', ') : undefined
  const key = unknown ?? path
  const problem = unknown === undefined ? `${key === '' ? 'it' : key} is wrong: ${issue?.message}` : `it has the unknown key ${unknown}`
  throw fileInvalid(
    file,
    key,
    `${problem}. The keys are store, retention.maxCheckpoints, retention.maxAge and retention.maxBytes.`,
    parsed.error,
  )
}

function parseJson(file: string, text: string): unknown {
  try {
    return JSON.parse(text.replace(/^\uFEFF/, ''))
  } catch (cause) {
    throw fileInvalid(file, '', `it is not JSON: ${cause instanceof Error ? cause.message : String(cause)}.`, cause)
  }
}

function fileInvalid(file: string, key: string, problem: string, cause: unknown): CheckpointError<'ARGUMENT_INVALID'> {
  const argument = key === '' ? file : `${key} in ${file}`
  return new CheckpointError('ARGUMENT_INVALID', `The configuration ${file} can't be used: ${problem}`, { argument }, { cause })
}

/** A folder of the XDG base directory specification, which says that a relative path counts as unset. */
function baseFolder(value: string | undefined, homeFolder: string, fallback: string): string {
  return value !== undefined && isAbsolute(value) ? value : join(homeFolder, fallback)
}
