import { existsSync } from 'node:fs'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openCodeReader, openCodeSessions, openCodeTranscript } from '../src/index.ts'
import { all } from './pi-sessions.ts'

const folder = join(process.env['PALIMPSEST_FIXTURES'] ?? '../shared/fixtures', 'opencode')
const database = join(folder, 'v1.18.33-opencode.db')
const probe = 'ses_dfafa501dffeggBcSbHQsOH4di'
const old = 'storage/session/98ed50f51d00544c776e3bb71390b28f8c0ec2d4/ses_dfaf4c695ffeqd98KiKLHmqG2D.json'
const reader = openCodeReader({ dataFolder: '/data' })

interface Document {
  readonly info: Readonly<Record<string, unknown>>
  readonly messages: readonly {
    readonly info: Readonly<Record<string, unknown>>
    readonly parts: readonly Readonly<Record<string, unknown>>[]
  }[]
}

async function open(path: string) {
  const transcript = await openCodeTranscript(path)?.open()
  if (transcript === undefined) throw new Error(`${path} names no session`)
  return transcript
}

async function branched(path: string, leafId: string): Promise<Document> {
  const transcript = await open(path)
  const pieces = await all(reader.rewrite(transcript, { sessionId: 'ses_new', leafId, createdAt: 5 }))
  await transcript.close()
  return JSON.parse(Buffer.concat(pieces.map(({ bytes }) => bytes)).toString())
}

/** What a document says, without ids, which are new in a copy, and with one name for the home that the fixtures give two. */
function said({ messages }: Document): unknown {
  const withoutIds = ({
    id: _id,
    sessionID: _sessionId,
    messageID: _messageId,
    parentID: _parentId,
    ...rest
  }: Readonly<Record<string, unknown>>) => rest
  const plain = messages.map(({ info, parts }) => ({ info: withoutIds(info), parts: parts.map(withoutIds) }))
  return JSON.parse(JSON.stringify(plain).replaceAll('/home/developer/work/work/', '/home/dev/work/'))
}

describe.skipIf(!existsSync(folder))('sessions of the real OpenCode 1.18.33', () => {
  test('are listed', async () => {
    expect((await openCodeSessions(database)).map(({ path }) => path.split('#')[1])).toEqual([
      'ses_dfafb6582ffe5TjFn9ST0vY1nE',
      probe,
      'ses_dfaf8d7abffel14CyxeRQbCdpT',
      'ses_dfaf8d478ffeVBCMurzXQn9dvK',
      'ses_80b063b0d315857e8156cc5064',
      'ses_dfaf7a79fffeIdAlu24oUtP0Q7',
    ])
  })

  test('say both compactions, by hand and automatic, with what the client knew of them', async () => {
    const transcript = await open(`${database}#${probe}`)
    expect(await all(reader.compactions(transcript))).toMatchObject([
      {
        boundary: { entryId: 'msg_20505d2bc001mDDMu7RpBV63pt' },
        leafId: 'prt_20505d1160013HGWqwNi0lK1W2',
        reason: 'manual',
        createdAt: 1_795_380_597_436,
        tokensBefore: 1720,
        tokensAfter: 1720,
        summary: '<state_snapshot>\n## Goal\nMock summary number 71: keep building the demo.\n</state_snapshot>',
      },
      { boundary: { entryId: 'msg_20505daa4001hQiuyEdWpHDh2O' }, reason: 'auto-threshold', tokensBefore: 195_020, tokensAfter: 1750 },
    ])
    await transcript.close()
  })

  test('as a branch say what the client itself exports, to the last message', async () => {
    const theirs: Document = JSON.parse(await readFile(join(folder, 'v1.18.33-export.json'), 'utf8'))
    const ours = await branched(`${database}#${probe}`, 'prt_20505eba20017nve9HSs1FehIt')
    expect(said(ours)).toEqual(said(theirs))
    const { id: _id, time: _time, directory: _directory, ...info } = theirs.info
    expect(ours.info).toMatchObject(info)
  })

  test('as a branch of the first compaction say what was seen to be restored by hand', async () => {
    const theirs: Document = JSON.parse(await readFile(join(folder, 'v1.18.33-restored-import.json'), 'utf8'))
    expect(said(await branched(`${database}#${probe}`, 'prt_20505d1160013HGWqwNi0lK1W2'))).toEqual(said(theirs))
  })
})

describe.skipIf(!existsSync(folder))('a session of the real OpenCode 1.1.65, in files', () => {
  const path = join(folder, 'v1.1.65-storage')

  async function copied(): Promise<string> {
    const data = await mkdtemp(join(tmpdir(), 'palimpsest-opencode-'))
    await cp(path, join(data, 'storage'), { recursive: true })
    return data
  }

  test('says its compaction, and is told from one that was changed', async () => {
    const data = await copied()
    const transcript = await open(join(data, old))
    expect(await reader.identify(transcript)).toEqual({
      sessionKey: 'ses_dfaf4c695ffeqd98KiKLHmqG2D',
      sessionId: 'ses_dfaf4c695ffeqd98KiKLHmqG2D',
      cwd: '/home/dev/work/oc/proj',
    })
    expect(await all(reader.compactions(transcript))).toMatchObject([
      {
        boundary: { entryId: 'msg_2050ca785001Yy6kb0lquCHMSW' },
        reason: 'manual',
        tokensBefore: 2010,
        summary: expect.stringContaining('number 101'),
      },
    ])
    expect(await transcript.unchanged()).toBe(true)
    const message = join(data, 'storage/message/ses_dfaf4c695ffeqd98KiKLHmqG2D/msg_2050b39a2001d6MI9yLJvnCIlX.json')
    await writeFile(message, (await readFile(message, 'utf8')).replace('build', 'plan'))
    expect(await transcript.unchanged()).toBe(false)
    await transcript.close()
    await rm(data, { recursive: true })
  })

  test('as a branch has its turns before the compaction, which a database can take in', async () => {
    const data = await copied()
    const document = await branched(join(data, old), 'prt_2050ca74f001bGtnbLC636XxSc')
    expect(document.messages.map(({ info, parts }) => [info['role'], parts.map((part) => part['type']).join()])).toEqual([
      ['user', 'text'],
      ['assistant', 'step-start,text,step-finish'],
      ['user', 'text'],
      ['assistant', 'step-start,text,step-finish'],
      ['user', 'text'],
      ['assistant', 'step-start,text,step-finish'],
    ])
    expect(document.info).toMatchObject({ id: 'ses_new', title: expect.stringContaining('MARK-OLD1'), version: '1.1.65' })
    expect(document.messages[0]?.info['summary']).toMatchObject({ diffs: [] })
    await rm(data, { recursive: true })
  })
})
