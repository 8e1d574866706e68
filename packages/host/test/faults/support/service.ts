import { join } from 'node:path'
import { type Checkpoints, createCheckpoints, type Storage } from '@palimpsest/core'
import { claudeCodeReader, nodeTranscriptFiles, piReader } from '@palimpsest/transcripts'

/** A service over a storage, for the agents in a folder. Its clock goes on by a second each time somebody looks. */
export function serviceOver(storage: Storage, folder: string): Checkpoints {
  let time = Date.UTC(2026, 5, 1)
  const now = () => {
    time += 1000
    return time
  }
  const readers = [piReader({ agentFolder: join(folder, 'pi-agent') }), claudeCodeReader({ configFolder: join(folder, 'claude') })]
  return createCheckpoints({ storage, readers, files: nodeTranscriptFiles(), now })
}
