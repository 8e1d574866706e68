import assert from 'node:assert/strict'
import type { AbortOptions, Key, RefChanges, Storage } from '@palimpsest/core'
import type { StorageCase, StorageCaseContext } from '../storage-case.ts'
import { assertRefused, casesOf, swapAlone, thrownBy, utf8, yieldToOthers } from './assertions.ts'

const define = casesOf('changes')

/** Which refs have changed, for stores that can tell. */
export const changeCases: readonly StorageCase[] = [
  changeCase('no-token', 'without a token any ref may have changed', async ({ storage, key }) => {
    await swapAlone(storage, key('r'), 'one')
    const { names, token } = await ask(storage, undefined)
    assert.equal(names, undefined)
    assert.equal(typeof token, 'string')
  }),
  changeCase('not-a-token', 'with what is no token any ref may have changed, and nothing is thrown', async ({ storage, key }) => {
    const token = await tokenAfterSwap(storage, key)
    const wrong = ['', ' ', '0', '-1', '999999999999', 'NaN', '../x', `1${token}`, token.slice(1), 'x'.repeat(99)]
    for (const each of wrong) assert.equal((await ask(storage, each)).names, undefined, `the token ${JSON.stringify(each)}`)
  }),
  changeCase(
    'named',
    'refs that were made or swapped since are named, each once, and others need not be',
    async ({ storage, key, prefix }) => {
      const version = await swapAlone(storage, key('a'), 'one')
      await swapAlone(storage, key('b/c'), 'one')
      const token = await tokenAfterSwap(storage, key)
      const next = await swapAlone(storage, key('a'), 'two', version)
      await swapAlone(storage, key('a'), 'three', next)
      await swapAlone(storage, key('b'), 'one')
      const changes = await ask(storage, token)
      assert.deepEqual(namesBelow(prefix, changes).toSorted(), [key('a'), key('b')])
      assert.deepEqual(namesBelow(prefix, await ask(storage, changes.token)), [])
    },
  ),
  changeCase('asked-again', 'an old token can be given again', async ({ storage, key, prefix }) => {
    const token = await tokenAfterSwap(storage, key)
    await swapAlone(storage, key('a'), 'one')
    await ask(storage, token)
    await swapAlone(storage, key('b'), 'one')
    for (let time = 0; time < 2; time += 1) assert.deepEqual(namesBelow(prefix, await ask(storage, token)).toSorted(), [key('a'), key('b')])
  }),
  changeCase('any-instance', 'a token holds for every instance, and the swaps of every instance are named', async (context) => {
    const { storage, key, prefix } = context
    const token = await tokenAfterSwap(storage, key)
    const other = await context.another()
    await swapAlone(other, key('other'), 'one')
    await swapAlone(storage, key('own'), 'one')
    assert.deepEqual(namesBelow(prefix, await ask(await context.another(), token)).toSorted(), [key('other'), key('own')])
    assert.deepEqual(namesBelow(prefix, await ask(storage, token)).toSorted(), [key('other'), key('own')])
  }),
  changeCase('many', 'five hundred changes are named in one call', async ({ storage, key, prefix }) => {
    const token = await tokenAfterSwap(storage, key)
    const names = Array.from({ length: 500 }, (_, at) => key(`r${at}/${'x'.repeat(120)}`))
    for (let at = 0; at < names.length; at += 50) await Promise.all(names.slice(at, at + 50).map((name) => swapAlone(storage, name, 'one')))
    assert.deepEqual(namesBelow(prefix, await ask(storage, token)).toSorted(), names.toSorted())
  }),
  changeCase('replica', 'who reads what is named, and nothing else, always has what was acknowledged before', async (context) => {
    const { key } = context
    const names = Array.from({ length: 6 }, (_, at) => key(`r${at}`))
    const acknowledged = new Map<Key, number>()
    let areWriting = true
    const write = async (writer: Storage, own: readonly Key[]) => {
      for (let swaps = 1; swaps <= 12; swaps += 1) {
        for (const name of own) {
          await swapAlone(writer, name, String(swaps), (await writer.refs.read(name))?.version)
          acknowledged.set(name, swaps)
          await yieldSomeTimes()
        }
      }
    }
    const follow = async (reader: Storage) => {
      const copies = new Map<Key, number>()
      let token: string | undefined
      for (let isLast = false; !isLast; await yieldSomeTimes()) {
        isLast = !areWriting
        const before = new Map(acknowledged)
        const changes = await ask(reader, token)
        for (const name of changes.names === undefined ? names : names.filter((each) => changes.names?.includes(each)))
          copies.set(name, Number(new TextDecoder().decode((await reader.refs.read(name))?.value)))
        token = changes.token
        for (const [name, swaps] of before)
          assert.ok((copies.get(name) ?? 0) >= swaps, `${name} is known as ${copies.get(name)} after swap ${swaps} was acknowledged`)
      }
    }
    const writers = [names.slice(0, 2), names.slice(2, 4), names.slice(4)].map(async (own) => write(await context.another(), own))
    const written = Promise.allSettled(writers).finally(() => {
      areWriting = false
    })
    const read = Promise.allSettled([follow(context.storage), context.another().then(follow)])
    for (const outcome of [...(await written), ...(await read)]) if (outcome.status === 'rejected') throw outcome.reason
  }),
  changeCase('aborted', 'an aborted signal stops the question with its reason', async ({ storage }) => {
    const reason = new Error('enough')
    assert.equal(await thrownBy(() => ask(storage, undefined, { signal: AbortSignal.abort(reason) })), reason)
  }),
  changeCase('closed', 'after close the question is refused', async ({ another }) => {
    const storage = await another()
    await storage.close()
    await assertRefused('closed', () => ask(storage, undefined))
  }),
]

function changeCase(id: string, name: string, run: (context: StorageCaseContext) => Promise<void>): StorageCase {
  return define(id, name, run, { tellsChanges: true })
}

async function ask(storage: Storage, since: string | undefined, options?: AbortOptions): Promise<RefChanges> {
  if (storage.refs.changes === undefined) assert.fail('tellsChanges is true, but there is no refs.changes')
  return storage.refs.changes(since, options)
}

/** So that those who write and those who ask meet in ever other ways. */
async function yieldSomeTimes(): Promise<void> {
  for (let times = Math.floor(Math.random() * 4); times >= 0; times -= 1) await yieldToOthers()
}

/** A token of a store that has been written to. */
async function tokenAfterSwap(storage: Storage, key: (rest: string) => Key): Promise<string> {
  assert.notEqual(await storage.refs.compareAndSwap(key('first'), utf8('first'), undefined), undefined)
  const { token } = await ask(storage, undefined)
  if (token === undefined) assert.fail('there is no token although a ref was swapped')
  return token
}

/** Those of this case: others may run on the same store. */
function namesBelow(prefix: string, { names }: RefChanges): readonly Key[] {
  if (names === undefined) assert.fail('it is not known which refs have changed')
  return names.filter((name) => name.startsWith(prefix))
}
