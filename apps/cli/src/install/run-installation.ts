import { homedir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { createInterface } from 'node:readline/promises'
import { CheckpointError } from '@palimpsest/core'
import type { Invocation } from '../invocation.ts'
import { OptionInvalid } from '../option-values.ts'
import { ownScripts, ownVersion } from '../own-package.ts'
import { styled, type Text } from '../text.ts'
import { claudeCodePlugin } from './agents/claude-code.ts'
import { installers } from './agents/index.ts'
import { changeLines } from './change-text.ts'
import { fileRecords } from './file-records.ts'
import { carryOut, changes, type InstallAction, type PreparedFile, prepare } from './installation.ts'
import type { InstalledFile } from './installed-file.ts'
import type { InstallContext, Installer } from './installer.ts'
import { SettingsChanged } from './settings-file.ts'

export interface InstallOptions {
  readonly yes?: true
  readonly plugin?: string
}

/** How often a file that somebody else writes at the same time is looked at anew. */
const maxTries = 20

/**
 * Shows what installing into an agent, or uninstalling, would change; asks; and does it. Idempotent. Throws `ARGUMENT_INVALID` for an agent that is
 * unknown and where nobody can be asked, `TARGET_REFUSED` for settings that can't be edited.
 */
export async function runInstallation(
  invocation: Invocation,
  action: InstallAction,
  agent: string,
  options: InstallOptions,
): Promise<void> {
  const installer = installerOf(agent)
  if (options.plugin !== undefined && agent !== 'claude-code') {
    throw new OptionInvalid(`There is no plugin of ${agent}; --plugin is for claude-code.`, { argument: '--plugin' })
  }
  const context = await installContext(invocation, action)
  const files = options.plugin === undefined ? installer.files(context) : pluginFiles(context, invocation, options.plugin)
  const records = fileRecords(recordsFolder(context))
  let confirmed = options.yes === true ? '' : undefined
  for (let left = maxTries; ; left -= 1) {
    const prepared = await prepare(files, action, records)
    const shown = prepared.flatMap(changeText)
    const key = JSON.stringify(shown)
    if (prepared.some(changes) && confirmed !== key && options.yes !== true) {
      await invocation.output.note(...(invocation.json ? [] : shown))
      if (!(await isWanted(invocation, action))) {
        await invocation.output.result(resultOf(agent, action, prepared, false, []), () => ['Nothing was changed.'])
        return
      }
      confirmed = key
    }
    try {
      await carryOut(prepared, records)
    } catch (error) {
      if (!(error instanceof SettingsChanged)) throw error
      if (left > 0) continue
      throw new CheckpointError('CHECKPOINT_CONFLICT', `${error.message}, again and again. End the agent, then run the command again.`, {})
    }
    const notes = action === 'install' && options.plugin === undefined ? installer.notes(context) : []
    await invocation.output.result(resultOf(agent, action, prepared, true, notes), () => [
      ...(options.yes === true ? shown : []),
      ...endText(agent, action, prepared, notes),
    ])
    return
  }
}

/** Throws `OptionInvalid`. */
function installerOf(agent: string): Installer {
  const found = installers.find((candidate) => candidate.agent === agent)
  if (found !== undefined) return found
  const expected = `one of ${installers.map((installer) => installer.agent).join(', ')}`
  throw new OptionInvalid(`There is no agent ${JSON.stringify(agent)}; it must be ${expected}.`, { argument: 'agent', expected })
}

/** What installers write commands from. The store has to be one that outlasts the command; uninstalling works without. */
export async function installContext(invocation: Invocation, action: InstallAction): Promise<InstallContext> {
  const { env } = invocation.context
  const storeUrl = await invocation.host().then(
    (host) => host.storeUrl,
    (error: unknown) => {
      if (action === 'install') throw error
      return 'unknown:'
    },
  )
  if (action === 'install' && storeUrl === 'memory:')
    throw new OptionInvalid('memory: ends with the process; name a store that lasts.', { argument: '--store' })
  return {
    env,
    homeFolder: env['HOME'] || homedir(),
    node: process.execPath,
    hookScript: ownScripts.hook,
    commandScript: ownScripts.command,
    storeUrl,
  }
}

/** Where it is remembered what was installed. */
export function recordsFolder({ env, homeFolder }: Pick<InstallContext, 'env' | 'homeFolder'>): string {
  const configured = env['XDG_STATE_HOME'] ?? ''
  return join(isAbsolute(configured) ? configured : join(homeFolder, '.local/state'), 'palimpsest', 'installed')
}

function pluginFiles(context: InstallContext, { context: { cwd } }: Invocation, folder: string): readonly InstalledFile[] {
  return claudeCodePlugin(context, isAbsolute(folder) ? folder : join(cwd, folder), { version: ownVersion() })
}

/** Asks on a terminal. Throws `OptionInvalid` where there is none. */
async function isWanted({ context, json, signal }: Invocation, action: InstallAction): Promise<boolean> {
  const isTerminal = 'isTTY' in context.stdin && context.stdin.isTTY === true && context.isTerminal.stderr && !json
  if (!isTerminal) {
    throw new OptionInvalid(`Nothing was changed, since nobody can be asked here; --yes says that the change is wanted.`, {
      argument: '--yes',
    })
  }
  const question = createInterface({ input: context.stdin, output: context.stderr })
  try {
    const answer = await question.question(action === 'install' ? 'Write this? [y/N] ' : 'Take this out? [y/N] ', { signal })
    return /^y(?:es)?$/i.test(answer.trim())
  } finally {
    question.close()
  }
}

function changeText(file: PreparedFile): readonly Text[] {
  const { current, plan } = file
  if (!changes(file)) return []
  const kind = current.text === undefined ? ' (new)' : plan.after === undefined ? ' (removed)' : ''
  const link: readonly Text[] =
    current.path === file.path ? [] : [styled('yellow', `  a symbolic link leads elsewhere; what is changed is ${current.path}`)]
  return [[styled('bold', file.path), kind], ...link, ...changeLines(current.text, plan.after)]
}

function endText(agent: string, action: InstallAction, prepared: readonly PreparedFile[], notes: readonly string[]): readonly Text[] {
  const isChanged = prepared.some(changes)
  const done = action === 'install' ? 'installed into' : 'uninstalled from'
  const first = isChanged
    ? `palimpsest is ${done} ${agent}.`
    : `Nothing to do: palimpsest is ${action === 'install' ? '' : 'not '}installed in ${agent}.`
  const edited = prepared.flatMap(({ path, plan }) =>
    plan.edited.map((name) => `${path}: ${name} was edited by hand and was left as it is.`),
  )
  return [...edited.map((line) => styled('yellow', line)), first, ...notes]
}

function resultOf(
  agent: string,
  action: InstallAction,
  prepared: readonly PreparedFile[],
  isDone: boolean,
  notes: readonly string[],
): object {
  return {
    agent,
    action,
    done: isDone,
    files: prepared.map((file) => ({
      path: file.path,
      realPath: file.current.path,
      change: !changes(file) ? 'none' : file.current.text === undefined ? 'created' : file.plan.after === undefined ? 'removed' : 'changed',
      edited: file.plan.edited,
    })),
    notes,
  }
}
