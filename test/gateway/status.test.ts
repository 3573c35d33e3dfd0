import { expect, test } from 'vitest'
import { closeStatusOf, reasonOf, statusAt, statusOf } from '../../src/gateway/status.ts'
import { BrokerError, ProtocolError, REASONS, Refusal } from '../../src/lib/index.ts'
import { PacketType } from '../../src/protocol/index.ts'

test('every reason has a code with the high bit, and none is the quarantine code', () => {
  const codes = REASONS.map(statusOf)
  expect(codes.filter((code) => code >>> 16 !== 0x8007)).toEqual([])
  expect(codes).not.toContain(0x8007_59ed)
})

test('token reasons all look alike from outside', () => {
  const reasons = REASONS.filter((reason) =>
    /^(token|issuer|signature|algorithm|audience)-/.test(reason),
  )
  expect(new Set(reasons.map(statusOf))).toEqual(new Set([0x8007_59f8]))
})

test('whatever an operator ends, the client hears the same', () => {
  const reasons = ['killed', 'token-revoked', 'token-replayed', 'superseded'] as const
  expect(new Set(reasons.map((reason) => closeStatusOf(reason, 0xff)))).toEqual(
    new Set([0x8007_04d4]),
  )
  expect(closeStatusOf('host-closed', 0xff)).toBe(0x8007_59d8)
})

test.each(['idle-limit', 'session-limit'] as const)(
  '%s has a code of its own for clients that know time limits',
  (reason) => {
    expect(closeStatusOf(reason, 0x0f)).toBe(0x8007_59f6)
    expect(closeStatusOf(reason, 0x0d)).toBe(0x8007_04d4)
  },
)

test.each(['killed', 'superseded', 'idle-limit', 'session-limit'] as const)(
  'a token whose session has ended with %s is refused as every bad token',
  (reason) => {
    const refusal = new Refusal(reason, 'by the ledger')
    expect(statusAt(PacketType.tunnelCreate, refusal)).toBe(0x8007_59f8)
    expect(statusAt(PacketType.channelCreate, refusal)).toBe(closeStatusOf(reason, 0xff))
  },
)

test('a node that stops says so in whichever response is due', () => {
  const stopped = new Refusal('node-stopped', 'INT')
  expect(statusAt(PacketType.tunnelCreate, stopped)).toBe(0x8007_04d4)
})

test('an admitted tunnel that is ended hears the same in whichever response is due', () => {
  const revoked = new Refusal('token-revoked', 'by hand')
  expect(statusAt(PacketType.tunnelCreate, revoked)).toBe(0x8007_59f8)
  expect(statusAt(PacketType.tunnelAuth, revoked)).toBe(0x8007_04d4)
  expect(statusAt(PacketType.channelCreate, revoked)).toBe(0x8007_04d4)
  expect(statusAt(PacketType.channelCreate, new Refusal('policy-denied', 'x'))).toBe(0x8007_59da)
})

test('errors become the public word for what happened', () => {
  expect(reasonOf(new Refusal('killed', 'by hand'))).toBe('killed')
  expect(reasonOf(new ProtocolError('ERR_PACKET_MALFORMED', 'DATA', 'cbDataLen', 'odd'))).toBe(
    'protocol-error',
  )
  expect(reasonOf(new BrokerError('ERR_DEADLINE', 'late'))).toBe('set-up-timeout')
  expect(reasonOf(new BrokerError('ERR_CLOSED', 'gone'))).toBe('client-closed')
  expect(reasonOf(new TypeError('bug'))).toBe('internal-error')
})
