import assert from 'node:assert/strict'
import type { Key, Storage } from '@palimpsest/core'
import type { StorageCase, StorageCaseContext } from '../storage-case.ts'
import { assertBytes, casesOf, listedKeys, patterned, swapAlone, utf8, yieldToOthers } from './assertions.ts'

const concurrencyCase = casesOf('concurrency')

/** What several instances on one store may rely on. All of it is part of the base level: there is no adapter for one writer only. */
export const concurrencyCases: readonly StorageCase[] = [
  concurrencyCase('put-race', 'of eight writers of one key exactly one creates it, and its bytes are whole', async (context) => {
    const instances = await several(context, 8)
    for (let round = 0; round < 5; round += 1) {
      const key = context.key(`race${round}`)
      const candidates = instances.map((_, at) => patterned(1000 + 7000 * at, 1 + at))
      const results = await Promise.all(instances.map((instance, at) => instance.objects.put(key, candidates[at] ?? new Uint8Array(0))))
      const winners = results.flatMap((result, at) => (result.created ? [at] : []))
      assert.equal(winners.length, 1, `${winners.length} writers created it`)
      for (const instance of instances) assertBytes(await instance.objects.get(key), candidates[winners[0] ?? 0] ?? new Uint8Array(0))
    }
  }),
  concurrencyCase('one-instance-race', 'the same holds for racing calls on one instance', async ({ storage, key }) => {
    const results = await Promise.all(Array.from({ length: 16 }, (_, at) => storage.objects.put(key('race'), patterned(5000, at))))
    const winners = results.flatMap((result, at) => (result.created ? [at] : []))
    assert.equal(winners.length, 1)
    assertBytes(await storage.objects.get(key('race')), patterned(5000, winners[0]))
  }),
  concurrencyCase('ref-create-race', 'of eight creators of one ref exactly one wins', async (context) => {
    const instances = await several(context, 8)
    for (let round = 0; round < 5; round += 1) {
      const name = context.key(`race${round}`)
      const versions = await Promise.all(instances.map((instance, at) => instance.refs.compareAndSwap(name, utf8(`w${at}`), undefined)))
      await assertOneWinner(context.storage, name, versions)
    }
  }),
  concurrencyCase('swap-race', 'of eight racers on one version exactly one wins', async (context) => {
    const instances = await several(context, 8)
    const name = context.key('r')
    let version = await swapAlone(context.storage, name, 'start')
    for (let round = 0; round < 8; round += 1) {
      const versions = await Promise.all(instances.map((instance, at) => instance.refs.compareAndSwap(name, utf8(`w${at}`), version)))
      version = await assertOneWinner(context.storage, name, versions)
    }
  }),
  concurrencyCase('lost-update', 'eight instances that each add to a ref twelve times lose no update', async (context) => {
    const instances = await several(context, 8)
    const name = context.key('counter')
    await Promise.all(instances.map((instance, at) => addTwelve(instance, name, at)))
    const read = await context.storage.refs.read(name)
    const entries = new TextDecoder().decode(read?.value).split(' ')
    assert.equal(entries.length, 96, `${96 - entries.length} updates were lost`)
    assert.equal(new Set(entries).size, 96)
  }),
  concurrencyCase('monotonic', 'a reader never goes back in time while others write', async (context) => {
    const name = context.key('r')
    const writer = await context.another()
    const readers = await several(context, 3)
    let done = false
    const written = (async () => {
      let version = await swapAlone(writer, name, '0')
      for (let at = 1; at <= 60; at += 1) version = await swapAlone(writer, name, String(at), version)
    })().finally(() => {
      done = true
    })
    const follow = async (reader: Storage) => {
      let latest = -1
      while (!done) {
        const read = await reader.refs.read(name)
        const seen = read === undefined ? -1 : Number(new TextDecoder().decode(read.value))
        assert.ok(seen >= latest, `${seen} was read after ${latest}`)
        latest = seen
        await yieldToOthers()
      }
    }
    await Promise.all([written, ...readers.map(follow)])
    assertBytes((await context.storage.refs.read(name))?.value, utf8('60'))
  }),
  concurrencyCase('no-time-travel-between', 'what one instance has read, another does not read an older state of', async (context) => {
    const name = context.key('r')
    const [writer, first, second] = await several(context, 3)
    assert.ok(writer && first && second)
    const numberOf = async (reader: Storage) => Number(new TextDecoder().decode((await reader.refs.read(name))?.value))
    let version = await swapAlone(writer, name, '0')
    for (let at = 1; at <= 30; at += 1) {
      const [swapped, seen] = await Promise.all([swapAlone(writer, name, String(at), version), numberOf(first)])
      assert.ok((await numberOf(second)) >= seen)
      version = swapped
    }
  }),
  concurrencyCase('visible-at-once', 'what an instance has written, another reads', async (context) => {
    const other = await context.another()
    for (let at = 0; at < 10; at += 1) {
      const key = context.key(`v${at}`)
      await context.storage.objects.put(key, utf8(`object ${at}`))
      assertBytes(await other.objects.get(key), utf8(`object ${at}`))
      const version = await swapAlone(context.storage, key, `ref ${at}`)
      assert.equal((await other.refs.read(key))?.version, version)
      await swapAlone(other, key, 'taken over', version)
    }
  }),
  concurrencyCase('all-or-nothing', 'a reader during put sees nothing or all of it', async (context) => {
    const reader = await context.another()
    const bytes = patterned(4 * 1024 * 1024)
    for (let round = 0; round < 3; round += 1) {
      const key = context.key(`big${round}`)
      let done = false
      const written = context.storage.objects.put(key, bytes).finally(() => {
        done = true
      })
      const watch = async () => {
        while (!done) {
          const seen = await reader.objects.get(key)
          if (seen !== undefined) assertBytes(seen, bytes, 'an object in the making')
          for (const item of (await reader.objects.list(key)).items) assert.equal(item.sizeBytes, bytes.byteLength)
          await yieldToOthers()
        }
      }
      await Promise.all([written, watch()])
    }
  }),
  concurrencyCase('parallel', 'a hundred puts and gets at once', async (context) => {
    const instances = await several(context, 4)
    const values = Array.from({ length: 100 }, (_, at) => patterned(at * 50, at + 1))
    const instanceOf = (at: number) => instances[at % instances.length] ?? context.storage
    await Promise.all(values.map((bytes, at) => instanceOf(at).objects.put(context.key(`p${at}`), bytes)))
    const read = await Promise.all(values.map((_, at) => instanceOf(at + 1).objects.get(context.key(`p${at}`))))
    read.forEach((bytes, at) => {
      assertBytes(bytes, values[at] ?? new Uint8Array(0), `object ${at}`)
    })
    assert.equal((await listedKeys(context.storage, context.prefix)).length, 100)
  }),
  concurrencyCase('many-refs', 'refs don’t get in each other’s way', async (context) => {
    const instances = await several(context, 8)
    await Promise.all(instances.map((instance, at) => addTwelve(instance, context.key(`own${at}`), at)))
    for (const [at] of instances.entries()) {
      const value = (await context.storage.refs.read(context.key(`own${at}`)))?.value
      assert.equal(new TextDecoder().decode(value).split(' ').length, 12)
    }
  }),
  concurrencyCase('delete-and-put', 'deleters and creators of one key leave it whole or absent', async (context) => {
    const instances = await several(context, 4)
    const key = context.key('contested')
    const bytes = patterned(20_000)
    const work = instances.map(async (instance, at) => {
      for (let round = 0; round < 15; round += 1) {
        if (at % 2 === 0) await instance.objects.put(key, bytes)
        else await instance.objects.delete([key])
        const seen = await instance.objects.get(key)
        if (seen !== undefined) assertBytes(seen, bytes)
        await yieldToOthers()
      }
    })
    await Promise.all(work)
    await context.storage.objects.delete([key])
    assert.deepEqual(await context.storage.objects.put(key, utf8('last')), { created: true })
  }),
]

function several(context: StorageCaseContext, count: number): Promise<readonly Storage[]> {
  return Promise.all(Array.from({ length: count }, () => context.another()))
}

async function assertOneWinner(storage: Storage, name: Key, versions: readonly Awaited<ReturnType<Storage['refs']['compareAndSwap']>>[]) {
  const winners = versions.flatMap((version, at) => (version === undefined ? [] : [{ at, version }]))
  const [winner] = winners
  if (winner === undefined || winners.length > 1) assert.fail(`${winners.length} racers won`)
  const read = await storage.refs.read(name)
  assertBytes(read?.value, utf8(`w${winner.at}`))
  assert.equal(read?.version, winner.version)
  return winner.version
}

async function addTwelve(storage: Storage, name: Key, writer: number): Promise<void> {
  for (let at = 0; at < 12; at += 1) {
    for (let tries = 0; ; tries += 1) {
      assert.ok(tries < 2000, 'no swap succeeds any more')
      const read = await storage.refs.read(name)
      const before = read === undefined ? [] : new TextDecoder().decode(read.value).split(' ')
      await yieldToOthers()
      const value = utf8([...before, `${writer}.${at}`].join(' '))
      if ((await storage.refs.compareAndSwap(name, value, read?.version)) !== undefined) break
    }
  }
}
