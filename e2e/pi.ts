import { installPi } from './pi-client.ts'
import { piSessions } from './pi-sessions.ts'
import { piTurns } from './pi-turns.ts'
import type { Suite } from './suite.ts'

/** pi: its own SessionManager opens what is given back, and its model is sent what it was sent before the compaction. */
export const pi: Suite = {
  name: 'pi',
  run: async (course) => {
    const client = await installPi()
    if ('missing' in client) {
      course.skip('all scenarios', client.missing)
      return
    }
    await piSessions(course, client.folder)
    await piTurns(course, client.folder)
  },
}
