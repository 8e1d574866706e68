// A process of the suite `faults`, which may be killed at any moment: node faults-child.ts STORE HOME WORKER ROUND. It works on two sessions of its own and
// one that it shares with the others, says a line of JSON for everything that it was told is done, and goes on until it is stopped.
import { writeSync } from 'node:fs'
import { join } from 'node:path'
import { sha256Hex } from '@palimpsest/core'
import { bytesTranscript, fileTranscript } from '@palimpsest/transcripts'
import { openHost } from '../packages/host/src/host.ts'
import { raceTranscript } from '../packages/host/test/faults/support/race.ts'
import { claudeCodeFile, piFile, type SessionFile } from '../packages/host/test/service/support/sessions.ts'
import type { Said } from './faults-kills.ts'

const [store = '', home = '', worker = '', round = '0'] = process.argv.slice(2)
const say = (said: Said): void => void writeSync(1, `${JSON.stringify(said)}\n`)

const host = await openHost({ store, homeFolder: home, env: {} })
const { checkpoints } = host
const claude = `${worker.padStart(8, '0')}-2222-4333-8444-${round.padStart(12, '0')}`
const files = [
  await piFile(join(home, '.pi', 'agent', 'sessions', '--home-dev-app--'), `pi-${worker}-${round}`),
  await claudeCodeFile(join(home, '.claude', 'projects', '-home-dev-project'), claude),
]
writeSync(1, '{"is":"ready"}\n')
for (let turn = 0; ; turn += 1) {
  await captureShared(turn)
  for (const file of files) await work(file, turn)
}

/** A snapshot in a session that all share for some rounds: lines that all have, and a last one that nobody else has. */
async function captureShared(turn: number): Promise<void> {
  const own = { role: 'user', content: `only ${worker} says this, in round ${round}, ${turn}` }
  const last = {
    type: 'message',
    id: `own-${worker}-${round}-${turn}`,
    parentId: 'e0',
    timestamp: '2026-01-02T03:04:05.000Z',
    message: own,
  }
  const session = Math.floor(Number(round) / 10)
  const main = Buffer.concat([raceTranscript(session, 0, 3 * (turn % 3)), Buffer.from(`${JSON.stringify(last)}\n`)])
  const { checkpoint } = await checkpoints.capture({ agent: 'pi', transcript: bytesTranscript({ main }), reason: 'requested' })
  say({ is: 'kept', id: checkpoint.id, digest: sha256Hex(main) })
}

/** What happens around a compaction, and now and then what doesn't come off. */
async function work(file: SessionFile, turn: number): Promise<void> {
  const request = () => ({ agent: file.agent, transcript: fileTranscript(file.path) })
  await file.turn('what they said '.repeat(30))
  const kept = sha256Hex(file.bytes())
  const pending = await checkpoints.capture({ ...request(), reason: 'manual' })
  if (turn % 4 === 3) {
    const { id } = pending.checkpoint
    say({ is: 'going', id })
    await pending.abandon()
    say({ is: 'gone', id })
    return
  }
  await pending.complete({ summary: 's' })
  say({ is: 'kept', id: pending.checkpoint.id, digest: kept })
  await file.compact()
  await file.turn()
  const { checkpointIds } = await checkpoints.import(request())
  // What waited for its compaction stands at the same byte afterwards: nothing was written between.
  if (checkpointIds.at(-1) !== pending.checkpoint.id) throw new Error('The import did not find the checkpoint of the compaction.')
  if (turn % 4 !== 1) return
  const whole = sha256Hex(file.bytes())
  const { checkpoint } = await checkpoints.capture({ ...request(), reason: 'requested' })
  say({ is: 'kept', id: checkpoint.id, digest: whole })
  say({ is: 'going', id: checkpoint.id })
  await checkpoints.delete([checkpoint.id])
  say({ is: 'gone', id: checkpoint.id })
}
