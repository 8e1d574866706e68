import { join } from 'node:path'
import { asName, asRecord } from '../json-fields.ts'

/** Gemini CLI's own folder: `.gemini` in `GEMINI_CLI_HOME`, else in the home folder. Empty counts as absent. */
export function geminiFolder(env: Readonly<Record<string, string | undefined>>, homeFolder: string): string {
  const home = env['GEMINI_CLI_HOME']
  return join(home === undefined || home === '' ? homeFolder : home, '.gemini')
}

/** The folders below which Gemini CLI keeps sessions: a folder a project, with a folder `chats`. */
export function geminiSessionFolders(env: Readonly<Record<string, string | undefined>>, homeFolder: string): readonly string[] {
  return [join(geminiFolder(env, homeFolder), 'tmp')]
}

/** The name that a project's folder has by the client's registry, the text of `projects.json`; `undefined` for one it doesn't know. */
export function geminiProjectName(registry: string, cwd: string): string | undefined {
  try {
    const name = asName(asRecord(asRecord(JSON.parse(registry))?.['projects'])?.[cwd])
    return name !== undefined && /^[A-Za-z0-9._-]+$/.test(name) && name !== '.' && name !== '..' ? name : undefined
  } catch {
    return undefined
  }
}
