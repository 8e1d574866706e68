// A process that works on a store until it has done its share or is killed: `add FOLDER WRITER TIMES` or `keep-on FOLDER WRITER`.
import { randomUUID } from 'node:crypto'
import { parseKey, type RefVersion, type Storage } from '@palimpsest/core'
import { createFsStorage } from '../src/index.ts'

const [mode, folder = '', writer = '', times = '0'] = process.argv.slice(2)
const name = parseKey('sessions/shared')
const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes)

async function addToRef(storage: Storage, entry: string): Promise<void> {
  let version: RefVersion | undefined
  while (version === undefined) {
    const read = await storage.refs.read(name)
    const entries = read === undefined ? [] : decode(read.value).split('\n')
    version = await storage.refs.compareAndSwap(name, new TextEncoder().encode([...entries, entry].join('\n')), read?.version)
  }
}

const storage = createFsStorage({ folder })
await storage.open()
if (mode === 'add') {
  for (let at = 0; at < Number(times); at += 1) await addToRef(storage, `${writer}.${at}`)
} else {
  for (let at = 0; ; at += 1) {
    const key = parseKey(`sessions/shared/${writer}-${at}-${randomUUID().slice(0, 8)}`)
    await storage.objects.put(key, new TextEncoder().encode(`${key}\n`.repeat(5000)))
    await addToRef(storage, key)
    process.stdout.write(`${key}\n`)
  }
}
await storage.close()
