import { expect, test } from 'vitest'
import { BrokerLedger } from '../../src/control/broker-ledger.ts'
import type { RedeemAnswer, RedeemRequest } from '../../src/control/index.ts'
import type { VerifierLedger, VerifierRedeem } from '../../src/control/verifier-ledger.ts'
import { BrokerError, createLog, type LogFields, Refusal, Secret } from '../../src/lib/index.ts'
import { createMemoryLedger } from '../../src/tokens/index.ts'
import { CLAIMS, NOW } from '../tokens/minting.ts'

const clock = { now: () => NOW * 1000 }

function setUp(whenBrokerAway: 'local' | 'refuse' = 'local') {
  const asked: RedeemRequest[] = []
  const released: [string, string | undefined][] = []
  const ended: [string, string][] = []
  const lines: LogFields[] = []
  /** What the broker answers; undefined: nothing. */
  const broker: { answer: RedeemAnswer | undefined } = { answer: { ok: true } }
  const own: VerifierLedger = createMemoryLedger({ clock, clientBinding: 'address' })
  const ledger = new BrokerLedger({
    client: {
      redeem: async (request) => {
        asked.push(request)
        if (broker.answer !== undefined) return broker.answer
        throw new BrokerError('ERR_NO_ANSWER', 'away')
      },
      release: (tunnel, reason) => void released.push([tunnel, reason]),
    },
    own,
    whenBrokerAway,
    clock,
    log: createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
    endSession: (tunnel, { reason }) => void ended.push([tunnel, reason]),
  })
  const redeem = (tunnel: string, clientAddress = '192.0.2.7', jti = CLAIMS.jti) =>
    ledger.redeem(input(tunnel, clientAddress, jti))
  return { broker, ledger, redeem, asked, released, ended, lines }
}

const input = (tunnel: string, clientAddress: string, jti: string): VerifierRedeem => ({
  token: { claims: { ...CLAIMS, jti }, issuerThumbprint: 'A'.repeat(64), expiredBySeconds: 0 },
  presented: new Secret('a.b.c'),
  clientAddress,
  tunnel,
})

const reasonOf = (promise: Promise<unknown>): Promise<string> =>
  promise.then(
    () => 'admitted',
    (error: unknown) => (error instanceof Refusal ? error.reason : Promise.reject(error)),
  )

test('the broker decides, and hears of the end', async () => {
  const { redeem, asked, released } = setUp()
  const lease = await redeem('t-1')
  expect(asked[0]?.token.reveal()).toBe('a.b.c')
  expect(asked[0]?.decidedAt).toBeUndefined()
  lease.release('killed')
  expect(released).toEqual([['t-1', 'killed']])
})

test('what the broker says beside yes goes to the node, and its own memory where no broker speaks', async () => {
  const { broker, redeem } = setUp()
  broker.answer = { ok: true, consentText: 'Be good.', sessionAgeSeconds: 45 }
  expect(await redeem('t-1')).toMatchObject({ consentText: 'Be good.', sessionAgeSeconds: 45 })
  broker.answer = undefined
  expect(await redeem('t-2')).toMatchObject({ sessionAgeSeconds: 0 })
})

test('the refusal of the broker is the refusal of the node', async () => {
  const { broker, redeem } = setUp()
  broker.answer = { ok: false, reason: 'token-replayed' }
  expect(await reasonOf(redeem('t-1'))).toBe('token-replayed')
})

test('without a broker the node refuses when it is told to', async () => {
  const { broker, redeem } = setUp('refuse')
  broker.answer = undefined
  expect(await reasonOf(redeem('t-1'))).toBe('broker-unreachable')
})

test('a broker that was only slow is told of every tunnel that came to nothing', async () => {
  const refusing = setUp('refuse')
  refusing.broker.answer = undefined
  expect(await reasonOf(refusing.redeem('t-1'))).toBe('broker-unreachable')
  expect(refusing.released).toEqual([['t-1', 'broker-unreachable']])
  const { broker, redeem, released } = setUp()
  broker.answer = undefined
  await redeem('t-2', '192.0.2.7')
  expect(await reasonOf(redeem('t-3', '192.0.2.8'))).toBe('client-mismatch')
  expect(released).toEqual([['t-3', 'broker-unreachable']])
})

test('without a broker the own memory decides, with what brokers have admitted before', async () => {
  const { broker, redeem } = setUp()
  await redeem('t-1', '192.0.2.7')
  broker.answer = undefined
  expect(await reasonOf(redeem('t-2', '192.0.2.8'))).toBe('client-mismatch')
  expect(await reasonOf(redeem('t-3', '192.0.2.7'))).toBe('admitted')
})

test('what was decided without a broker is reported with its time, once', async () => {
  const { broker, ledger, redeem, asked, released, ended } = setUp()
  broker.answer = undefined
  const lease = await redeem('t-1')
  await ledger.reconcile()
  broker.answer = { ok: true }
  asked.length = 0
  await ledger.reconcile()
  await ledger.reconcile()
  expect(asked).toMatchObject([{ tunnel: 't-1', decidedAt: NOW * 1000 }])
  expect(ended).toEqual([])
  lease.release('client-closed')
  expect(released).toEqual([['t-1', 'client-closed']])
})

test('an outage in which too many are admitted forgets the oldest', async () => {
  const { broker, ledger, redeem, asked } = setUp()
  broker.answer = undefined
  for (let index = 0; index <= 10_000; index += 1) {
    const lease = await redeem(`t-${index}`, undefined, `jti-${index}`)
    lease.release('client-closed')
  }
  broker.answer = { ok: true }
  asked.length = 0
  await ledger.reconcile()
  expect(asked).toHaveLength(10_000)
  expect(asked.some(({ tunnel }) => tunnel === 't-0')).toBe(false)
})

test('a session that is over by then is reported and released', async () => {
  const { broker, ledger, redeem, asked, released } = setUp()
  broker.answer = undefined
  const lease = await redeem('t-1')
  lease.release('client-closed')
  expect(released).toEqual([])
  broker.answer = { ok: true }
  await ledger.reconcile()
  expect(asked.at(-1)).toMatchObject({ tunnel: 't-1', decidedAt: NOW * 1000 })
  expect(released).toEqual([['t-1', 'client-closed']])
})

test('a conflict is told and ends the session', async () => {
  const { broker, ledger, redeem, ended, lines } = setUp()
  broker.answer = undefined
  await redeem('t-1')
  broker.answer = { ok: false, reason: 'client-mismatch' }
  await ledger.reconcile()
  expect(ended).toEqual([['t-1', 'superseded']])
  expect(lines).toMatchObject([
    { event: 'redeem.conflict', tunnel: 't-1', jti: CLAIMS.jti, reason: 'client-mismatch' },
  ])
})

test('a conflict about a session that is over ends nothing but what the broker may hold of it', async () => {
  const { broker, ledger, redeem, released, ended, lines } = setUp()
  broker.answer = undefined
  const lease = await redeem('t-1')
  lease.release('client-closed')
  broker.answer = { ok: false, reason: 'client-mismatch' }
  await ledger.reconcile()
  expect(ended).toEqual([])
  expect(released).toEqual([['t-1', 'client-closed']])
  expect(lines).toHaveLength(1)
})
