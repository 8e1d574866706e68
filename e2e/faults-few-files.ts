// A process of the suite `faults` with a low limit of open files: node faults-few-files.ts STORE NUMBER. Says what became of a capture.
import { closeSync, openSync, writeSync } from 'node:fs'
import { isCheckpointError } from '@palimpsest/core'
import { createFsStorage } from '@palimpsest/storage-fs'
import { bytesTranscript } from '@palimpsest/transcripts'
import { raceTranscript } from '../packages/host/test/faults/support/race.ts'
import { serviceOver } from '../packages/host/test/faults/support/service.ts'

const [store = '', number = '0'] = process.argv.slice(2)
const service = serviceOver(createFsStorage({ folder: store }), store)
const transcript = bytesTranscript({ main: raceTranscript(1, 0, Number(number)) })
// What is left of the limit is used up, but for a few.
const open: number[] = []
try {
  for (;;) open.push(openSync('/dev/null', 'r'))
} catch {
  // The limit is reached.
}
for (const descriptor of open.slice(0, Number(number) % 8)) closeSync(descriptor)
const outcome = await service.capture({ agent: 'pi', transcript, reason: 'requested' }).then(
  () => 'captured',
  (error: unknown) => (isCheckpointError(error) ? error.code : String(error)),
)
for (const descriptor of open.slice(Number(number) % 8)) closeSync(descriptor)
writeSync(1, `${outcome}\n`)
