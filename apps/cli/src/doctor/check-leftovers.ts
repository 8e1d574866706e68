import { readdir, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileRecords } from '../install/file-records.ts'
import { shellQuote } from '../shell-quote.ts'
import type { DoctorContext, Finding } from './finding.ts'

const minAgeMs = 60_000

/** Temporary files that a killed installation left behind, and memories of files that are gone. */
export async function checkLeftovers({ install, installers, recordsFolder, now }: DoctorContext): Promise<readonly Finding[]> {
  const records = await fileRecords(recordsFolder).list()
  const paths = [
    ...installers.flatMap((installer) => installer.files(install).map(({ path }) => path)),
    ...records.map(({ record }) => record.path),
  ]
  const findings: Finding[] = []
  for (const folder of new Set([...paths.map((path) => dirname(path)), recordsFolder])) {
    for (const name of await readdir(folder).catch(() => [])) {
      if (!/^\..+\.palimpsest-[0-9a-f]{12}$/.test(name)) continue
      const path = join(folder, name)
      const writtenMs = (await stat(path).catch(() => undefined))?.mtimeMs ?? now
      if (writtenMs > now - minAgeMs) continue
      findings.push({
        check: 'leftovers',
        level: 'note',
        message: `${path} was left by an installation that was cut off.`,
        mend: shellQuote(['rm', path]),
      })
    }
  }
  for (const { record } of records) {
    if ((await stat(record.path).catch(() => undefined)) !== undefined) continue
    const message = `${record.path} was installed and is gone; what is remembered of it is of no use.`
    findings.push({ check: 'leftovers', level: 'note', message, mend: shellQuote(['rm', '-r', recordsFolder]) })
  }
  return findings
}
