import { expect, test } from 'vitest'
import {
  badPacket,
  type ClientSaw,
  compare,
  denied,
  type LogSaw,
  opens,
} from '../../src/lab/expectation.ts'

const refused: ClientSaw = { outcome: 'refused', step: 'tunnel', code: 0x8007_59f8, text: 'denied' }
const open: ClientSaw = { outcome: 'open', step: 'negotiation', text: 'the machine answers' }
const logged = (reason?: string, opened = false): LogSaw => ({
  opened,
  lines: [],
  ...(reason === undefined ? {} : { reason }),
})

test('is content when client and log agree with it', () => {
  expect(compare(denied('token-expired'), refused, logged('token-expired'))).toEqual([])
  expect(
    compare(denied('token-malformed', 'issuer-unknown'), refused, logged('issuer-unknown')),
  ).toEqual([])
  expect(compare(opens, open, logged(undefined, true))).toEqual([])
})

test('names what a client was not to see', () => {
  expect(compare(denied('token-expired'), open, logged(undefined, true))).toEqual([
    'client: need refused, saw open (the machine answers)',
    'log: need token-expired, has no reason',
  ])
  expect(compare(badPacket, refused, logged('protocol-error'))).toEqual([
    'client: need E_PROXY_COOKIE_BADPACKET [0x800759F7], saw denied',
  ])
  const late: ClientSaw = { ...refused, step: 'channel' }
  expect(compare(denied('token-expired'), late, logged('token-expired'))).toEqual([
    'client: need refused at tunnel, saw it at channel',
  ])
})

test('names what a log was not to say', () => {
  expect(compare(denied('token-expired'), refused, logged('issuer-unknown'))).toEqual([
    'log: need token-expired, has issuer-unknown',
  ])
  expect(compare(opens, open, logged())).toEqual(['log: need channel.opened, has no reason'])
  expect(compare(opens, open, logged('host-closed', true))).toEqual([
    'log: need channel.opened, has host-closed',
  ])
})
