import type { Host } from '@palimpsest/host'
import type { InstallContext, Installer } from '../install/installer.ts'

/** One thing that doctor looked at. */
export interface Finding {
  /** What it is about, for programs: closed list. */
  readonly check: 'node' | 'store' | 'installation' | 'trust' | 'hooks' | 'captures' | 'deletion' | 'versions' | 'leftovers'
  /** `ok`: as it should be. `note`: worth knowing. `warning`: something is or will be missed. `broken`: the store can't be used. */
  readonly level: 'ok' | 'note' | 'warning' | 'broken'
  readonly agent?: string | undefined
  /** A sentence for people. */
  readonly message: string
  /** The command that mends it. */
  readonly mend?: string | undefined
}

/** What the checks look at. */
export interface DoctorContext {
  readonly host: Host
  readonly install: InstallContext
  readonly installers: readonly Installer[]
  /** Where it is remembered what was installed. */
  readonly recordsFolder: string
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly signal: AbortSignal
  /** A command line of this program for people to copy. */
  commandLine(...words: readonly string[]): string
}
