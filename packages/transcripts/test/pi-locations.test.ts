import { expect, test } from 'vitest'
import { openClawSessionFolders, openClawStateFolder, piAgentFolder, piSessionFolders } from '../src/index.ts'

test('pi’s sessions lie below its folder, or where its variables say', () => {
  expect(piSessionFolders({}, '/home/dev')).toEqual(['/home/dev/.pi/agent/sessions'])
  expect(piSessionFolders({ PI_CODING_AGENT_DIR: '~/pi', PI_CODING_AGENT_SESSION_DIR: '/data/s' }, '/home/dev')).toEqual([
    '/home/dev/pi/sessions',
    '/data/s',
  ])
  expect(piAgentFolder({ PI_CODING_AGENT_DIR: ' ' }, '/home/dev')).toBe('/home/dev/.pi/agent')
})

test('OpenClaw’s sessions lie below its agents', () => {
  expect(openClawSessionFolders({}, '/home/dev')).toEqual(['/home/dev/.openclaw/agents'])
  expect(openClawStateFolder({ OPENCLAW_STATE_DIR: '/data/claw' }, '/home/dev')).toBe('/data/claw')
})
