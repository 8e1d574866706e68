import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { counted } from '../text.ts'
import type { InstalledAgent } from './check-installations.ts'
import type { DoctorContext, Finding } from './finding.ts'

const lookedBackMs = 7 * 24 * 60 * 60 * 1000
const loggedSchema = z.object({ at: z.iso.datetime(), words: z.array(z.string()), message: z.string() })

type Logged = z.infer<typeof loggedSchema>

/** Whether hooks do what they are for: what they have logged, and compactions since their installation that only a scan has found. */
export async function checkHooks(context: DoctorContext, agents: readonly InstalledAgent[]): Promise<readonly Finding[]> {
  const findings: Finding[] = []
  const logged = (await Promise.all(['hook.log.1', 'hook.log'].map((name) => readLog(join(context.recordsFolder, '..', name))))).flat()
  const recent = logged.filter(({ at }) => Date.parse(at) > context.now - lookedBackMs)
  for (const [agent, problems] of Map.groupBy(recent, ({ words }) => words.find((word) => word !== 'hook') ?? 'unknown')) {
    const last = problems.at(-1)
    const message = `${counted(problems.length, 'problem')} of hooks of ${agent} within 7 days, the last at ${last?.at}: ${last?.message}`
    findings.push({ check: 'hooks', level: 'warning', agent, message, mend: context.commandLine('scan') })
  }
  for (const { agent, sinceMs } of agents) {
    if (sinceMs !== undefined) findings.push(...(await missedBy(context, agent, sinceMs)))
  }
  return findings
}

async function missedBy({ host, signal, commandLine }: DoctorContext, agent: string, sinceMs: number): Promise<readonly Finding[]> {
  const { checkpoints } = await host.checkpoints.list({ agent, after: Math.ceil(sinceMs), limit: 1000, signal })
  const missed = checkpoints.filter(({ origin }) => origin === 'import')
  const captured = checkpoints.length - missed.length
  if (missed.length > 0) {
    const message = `${counted(missed.length, 'compaction')} of ${agent} since the installation was found by a scan and not by a hook; its hooks don't run, or not always.`
    return [{ check: 'hooks', level: 'warning', agent, message, mend: commandLine('install', agent) }]
  }
  return captured === 0
    ? []
    : [{ check: 'hooks', level: 'ok', agent, message: `${counted(captured, 'capture')} by hooks of ${agent} since the installation.` }]
}

async function readLog(path: string): Promise<readonly Logged[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  return text.split('\n').flatMap((line) => {
    try {
      return loggedSchema.safeParse(JSON.parse(line)).data ?? []
    } catch {
      return []
    }
  })
}
