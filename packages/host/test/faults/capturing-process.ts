// A process that takes part in a race: node capturing-process.ts STORE WRITER CAPTURES SESSIONS. Says a line of JSON for each capture that was made.
import { writeSync } from 'node:fs'
import { createFsStorage } from '@palimpsest/storage-fs'
import { bytesTranscript } from '@palimpsest/transcripts'
import { type Acknowledged, raceTranscript } from './support/race.ts'
import { serviceOver } from './support/service.ts'

const [store = '', writer = 0, captures = 0, sessions = 1] = process.argv.slice(2).map((text, at) => (at === 0 ? text : Number(text)))
const storage = createFsStorage({ folder: String(store) })
const service = serviceOver(storage, String(store))
for (let number = 0; number < Number(captures); number += 1) {
  const session = (number + Number(writer)) % Number(sessions)
  const transcript = bytesTranscript({ main: raceTranscript(session, Number(writer), number) })
  const { checkpoint, outcome } = await service.capture({ agent: 'pi', transcript, reason: 'requested' })
  if (outcome !== 'captured') throw new Error(`Capture ${number} is ${outcome}.`)
  const said: Acknowledged = { id: checkpoint.id, session, writer: Number(writer), number }
  writeSync(1, `${JSON.stringify(said)}\n`)
}
await storage.close()
