import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Checkpoints } from '@palimpsest/core'
import { assertReadsBack, listedIds } from './kept.ts'

/** What a writer was told is there. */
export interface Acknowledged {
  readonly id: string
  readonly session: number
  readonly writer: number
  readonly number: number
}

/**
 * What the `number`th capture of a writer is given: as much of a session's lines as nobody else is given, and at every third a last line of its
 * own, so that the others' transcripts are a rewrite of it.
 */
export function raceTranscript(session: number, writer: number, number: number): Uint8Array {
  const time = '2026-01-02T03:04:05.000Z'
  const lines: object[] = [{ type: 'session', version: 3, id: raceSession(session), timestamp: time, cwd: '/home/dev/app' }]
  const entries = 4 * number + writer + 1
  for (let at = 0; at < entries; at += 1) {
    const message = { role: at % 2 === 0 ? 'user' : 'assistant', content: `line ${at} of ${session} `.repeat(20) }
    lines.push({ type: 'message', id: `e${at}`, parentId: at === 0 ? null : `e${at - 1}`, timestamp: time, message })
  }
  if (number % 3 === 2) {
    const message = { role: 'user', content: `only ${writer} says this, ${number}` }
    lines.push({ type: 'message', id: `w${writer}-${number}`, parentId: `e${entries - 1}`, timestamp: time, message })
  }
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function raceSession(session: number): string {
  return `race-${session}`
}

/** Runs a script of Node with these arguments in a process of its own; its standard output by lines, those that were finished. */
export function startScript(
  script: string,
  argv: readonly string[],
): { readonly child: ChildProcess; readonly lines: () => readonly string[] } {
  const child = spawn(process.execPath, ['--conditions=@palimpsest/source', script, ...argv], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Scripts start in a fraction of the time when what they import was compiled before.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'palimpsest-test-compiled') },
  })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  return { child, lines: () => output.split('\n').slice(0, -1) }
}

/** Waits until a process has ended and all that it said has come. */
export async function ended(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
  return child.exitCode
}

/** Rejects unless every capture of a race that was acknowledged is there, once, and reads back exactly, and nothing else is there. */
export async function assertRace(service: Checkpoints, acknowledged: readonly Acknowledged[]): Promise<void> {
  const ids = acknowledged.map(({ id }) => id)
  assert.equal(new Set(ids).size, ids.length, 'each capture has a checkpoint of its own')
  assert.deepEqual([...(await listedIds(service, 'after the race'))].sort(), ids.sort(), 'all of them are listed once, and nothing else')
  for (const { id, session, writer, number } of acknowledged) {
    await assertReadsBack(service, id, { main: raceTranscript(session, writer, number) }, `capture ${number} of writer ${writer}`)
  }
}
