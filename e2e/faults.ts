import { disks } from './faults-disks.ts'
import { kills } from './faults-kills.ts'
import { properties } from './faults-properties.ts'
import { races } from './faults-races.ts'
import type { Suite } from './suite.ts'

/** What goes wrong for real: processes that race and are killed, disks that are full, and anything that can happen to a session. */
export const faults: Suite = {
  name: 'faults',
  run: async (course) => {
    await races(course)
    await kills(course)
    await disks(course)
    await properties(course)
  },
}
