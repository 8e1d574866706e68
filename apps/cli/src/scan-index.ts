import { type IndexReport, isCheckpointError } from '@palimpsest/core'
import { indexingText } from './indexing-text.ts'
import type { Invocation } from './invocation.ts'
import { startProgress } from './progress.ts'
import { counted, styled, type Text } from './text.ts'

/** What came of indexing what a scan has kept; `error` where the index can't be used, which is no failure of the scan. */
type ScanIndex = Pick<IndexReport, 'indexed' | 'waiting' | 'problems'> & {
  readonly error?: { readonly code: string; readonly message: string }
}

/** Indexes what is kept and not indexed yet, so that the next search needn't. Interrupted, the next one goes on from there. */
export async function indexKept(invocation: Invocation): Promise<ScanIndex> {
  const checkpoints = await invocation.checkpoints()
  const progress = await startProgress(invocation, 'Indexing…')
  try {
    const { indexed, waiting, problems } = await checkpoints.index({
      signal: invocation.signal,
      onProgress: (indexing) => progress.show(indexingText('Indexing for search', indexing)),
    })
    return { indexed, waiting, problems }
  } catch (error) {
    if (!isCheckpointError(error)) throw error
    const { code, message } = error
    return { indexed: 0, waiting: 0, problems: [], error: { code, message } }
  } finally {
    progress.stop()
  }
}

/** The same for people; nothing where nothing was new. */
export function indexNotes({ indexed, problems, error }: ScanIndex): readonly Text[] {
  return [
    ...(indexed === 0 ? [] : [styled('dim', `${counted(indexed, 'session')} indexed for search.`)]),
    ...problems.map(({ name, message }): Text => [styled('yellow', 'not indexed:'), ` ${name}: ${message}`]),
    ...(error === undefined ? [] : [[styled('yellow', 'not indexed:'), ` ${error.message}`]]),
  ]
}
