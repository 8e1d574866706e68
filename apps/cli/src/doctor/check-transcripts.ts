import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { type FoundTranscript, findTranscripts } from '@palimpsest/host'
import { agentHome } from '../agent-homes.ts'
import { readJsonSettings } from '../install/read-settings.ts'
import { counted } from '../text.ts'
import type { DoctorContext, Finding } from './finding.ts'

const dayMs = 24 * 60 * 60 * 1000
const soonMs = 7 * dayMs
/** What is read of sessions of which nothing is kept; beyond it they are only counted. */
const maxLookedBytes = 512 * 1024 * 1024
const maxNamed = 5
/** How long Claude Code keeps a transcript when its settings don't say. */
const defaultCleanupDays = 30

/** Sessions that have compactions of which nothing is kept, and transcripts that their agent is about to delete. */
export async function checkTranscripts(context: DoctorContext): Promise<readonly Finding[]> {
  const { host, signal, commandLine } = context
  const kept = await keptSessions(context)
  const cleanupDays = await claudeCleanupDays(context)
  const missed = new Map<string, Set<string>>()
  const ending: { readonly path: string; readonly endsMs: number }[] = []
  let unread = 0
  let looked = 0
  let seen = 0
  for await (const found of findTranscripts(host, { signal })) {
    if ('error' in found) {
      unread += 1
      continue
    }
    seen += 1
    const known = await lookInto(context, found, kept, looked + found.sizeBytes <= maxLookedBytes)
    if (known.isKept) continue
    if (known.wasRead) looked += found.sizeBytes
    if (known.compacted !== undefined) missed.set(found.agent, (missed.get(found.agent) ?? new Set()).add(known.compacted))
    if (found.agent === 'claude-code') {
      const endsMs = ((await stat(found.path).catch(() => undefined))?.mtimeMs ?? Number.POSITIVE_INFINITY) + cleanupDays * dayMs
      if (endsMs < context.now + soonMs) ending.push({ path: found.path, endsMs })
    }
  }
  const findings: Finding[] = [...missed].map(([agent, { size: count }]) => ({
    check: 'captures',
    level: 'warning',
    agent,
    message: `${counted(count, 'session')} of ${agent} with compactions of which nothing is kept.`,
    mend: commandLine('scan', '--agent', agent),
  }))
  if (unread > 0) {
    findings.push({
      check: 'captures',
      level: 'warning',
      message: `${counted(unread, 'file')} of sessions can't be read.`,
      mend: commandLine('scan'),
    })
  }
  findings.push(...deletions(context, ending, cleanupDays))
  if (findings.length === 0 && seen > 0)
    findings.push({ check: 'captures', level: 'ok', message: `Every compaction of ${counted(seen, 'session')} is kept.` })
  return findings
}

/** By agent and key, the sessions that have checkpoints. */
async function keptSessions({ host, signal }: DoctorContext): Promise<ReadonlySet<string>> {
  const kept = new Set<string>()
  for (let cursor: string | undefined; ; ) {
    const page = await host.checkpoints.sessions({ limit: 1000, cursor, signal })
    for (const { agent, sessionKey } of page.sessions) kept.add(`${agent}\0${sessionKey}`)
    cursor = page.nextCursor
    if (cursor === undefined) return kept
  }
}

async function lookInto(
  { host, signal }: DoctorContext,
  { agent, path, copyOf }: FoundTranscript,
  kept: ReadonlySet<string>,
  mayRead: boolean,
): Promise<{ readonly isKept: boolean; readonly compacted?: string; readonly wasRead: boolean }> {
  const reader = host.readers.find((candidate) => candidate.agent === agent)
  if (reader === undefined) return { isKept: true, wasRead: false }
  try {
    const transcript = await host.files.origin(path).open({ signal })
    try {
      const { sessionKey } = await reader.identify(transcript, { signal })
      if (kept.has(`${agent}\0${sessionKey}`)) return { isKept: true, wasRead: false }
      // A copy was made before a compaction, whatever is in it.
      if (copyOf !== undefined) return { isKept: false, compacted: sessionKey, wasRead: false }
      if (mayRead) {
        for await (const _compaction of reader.compactions(transcript, { signal }))
          return { isKept: false, compacted: sessionKey, wasRead: true }
      }
      return { isKept: false, wasRead: mayRead }
    } finally {
      await transcript.close()
    }
  } catch {
    signal.throwIfAborted()
    // It is gone by now, or no session; a scan says more.
    return { isKept: true, wasRead: false }
  }
}

function deletions(
  { now, commandLine }: DoctorContext,
  ending: readonly { readonly path: string; readonly endsMs: number }[],
  cleanupDays: number,
): readonly Finding[] {
  const agent = 'claude-code'
  const soonest = ending.toSorted((a, b) => a.endsMs - b.endsMs)
  const named = soonest.slice(0, maxNamed).map(({ path, endsMs }): Finding => {
    const days = Math.max(0, Math.ceil((endsMs - now) / dayMs))
    const message = `Claude Code deletes ${path} ${days === 0 ? 'at its next start' : `within ${counted(days, 'day')}`} (cleanupPeriodDays is ${cleanupDays}), and nothing of it is kept.`
    return { check: 'deletion', level: 'warning', agent, message, mend: commandLine('capture', '--agent', agent, '--transcript', path) }
  })
  if (soonest.length <= maxNamed) return named
  const message = `${soonest.length - maxNamed} more transcripts are deleted within 7 days; a larger cleanupPeriodDays in Claude Code's settings.json keeps them.`
  return [...named, { check: 'deletion', level: 'warning', agent, message, mend: commandLine('scan', '--agent', agent) }]
}

/** What Claude Code's own settings say. */
async function claudeCleanupDays({ install: { env, homeFolder } }: DoctorContext): Promise<number> {
  const days = (await readJsonSettings(join(agentHome('claude-code', env, homeFolder), 'settings.json')))['cleanupPeriodDays']
  return typeof days === 'number' && days >= 0 ? days : defaultCleanupDays
}
