import * as fs from 'node:fs/promises'
import type { FileSystem, FileSystemFile } from '@palimpsest/storage-fs'
import { openService, transcripts } from './palimpsest.ts'
import { richSessionKey } from './session-names.ts'

const firstCreatedAt = Date.UTC(2026, 0, 1)
const minuteMs = 60_000
const atOnce = 8

/** Fills a new store with sessions of one checkpoint, and one of 25. Nothing is forced to the disk, else it takes minutes. */
export async function fillStore({ store, count, summary }: { store: string; count: number; summary: string }): Promise<void> {
  const { storage, checkpoints } = await openService(store, { fs: unsynced })
  const capture = async (sessionKey: string, messages: number, createdAt: number): Promise<void> => {
    const transcript = transcripts.bytesTranscript({ main: smallSession(sessionKey, messages) })
    const pending = await checkpoints.capture({
      agent: 'pi',
      transcript,
      sessionKey,
      createdAt,
      reason: 'auto-threshold',
      tokensBefore: 180_000,
    })
    await pending.complete({ summary, tokensAfter: 20_000 })
  }
  for (let message = 1; message <= 25; message += 1) await capture(richSessionKey, message, firstCreatedAt + message * minuteMs)
  let next = 1
  const lane = async (): Promise<void> => {
    while (next < count) {
      const session = next
      next += 1
      await capture(`session-${session}`, 2, firstCreatedAt + session * minuteMs)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, lane))
  await storage.close()
}

function smallSession(sessionId: string, messages: number): Uint8Array {
  const timestamp = '2026-01-01T00:00:00.000Z'
  const lines: object[] = [{ type: 'session', version: 3, id: sessionId, timestamp, cwd: '/home/dev/project' }]
  for (let index = 0; index < messages; index += 1) {
    const message = { role: 'user', content: [{ type: 'text', text: `message ${index} of ${sessionId}` }], timestamp: firstCreatedAt }
    const parentId = index === 0 ? null : entryId(index - 1)
    lines.push({ type: 'message', id: entryId(index), parentId, timestamp, message })
  }
  return Buffer.from(lines.map((line) => `${JSON.stringify(line)}\n`).join(''))
}

function entryId(index: number): string {
  return index.toString(16).padStart(8, '0')
}

const unsynced: FileSystem = {
  link: fs.link,
  rename: fs.rename,
  unlink: fs.unlink,
  mkdir: fs.mkdir,
  readdir: fs.readdir,
  lstat: fs.lstat,
  rm: fs.rm,
  open: async (path, flags, mode): Promise<FileSystemFile> => {
    const file = await fs.open(path, flags, mode)
    return {
      write: (bytes, offset, length, position) => file.write(bytes, offset, length, position),
      read: (bytes, offset, length, position) => file.read(bytes, offset, length, position),
      stat: () => file.stat(),
      sync: async () => undefined,
      close: () => file.close(),
    }
  },
}
