import { beforeAll, expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import {
  type ControlHandlers,
  type RedeemAnswer,
  type RedeemRequest,
  type RememberedTrust,
  SessionRegistry,
  type TrustSetIssuer,
  VerifierControl,
  type VerifierControlOptions,
  type VerifierControlParts,
} from '../../src/control/index.ts'
import { BrokerError, Secret } from '../../src/lib/index.ts'
import { createMemoryLedger, type Revocation } from '../../src/tokens/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { CLAIMS, createIssuerPair, NOW } from '../tokens/minting.ts'
import { SILENT_CLIENT } from './silent-client.ts'
import { collectLog } from './support.ts'
import { createTestSession, createUnverifiedSession } from './verifier-sessions.ts'

const TEN_MINUTES_MS = 10 * 60 * 1000

let issuer: Pick<TrustSetIssuer, 'certificatePem' | 'sha256Thumbprint'>

beforeAll(async () => {
  const { certificatePem } = await createIssuerPair()
  const { sha256Thumbprint } = readCertificate(certificatePem)
  issuer = { certificatePem, sha256Thumbprint }
})

/** A verifier with a broker in place of its control channel, which admits everybody unless told otherwise. */
function setUp({
  answer = async () => ({ ok: true }),
  parts = {},
  ...change
}: Partial<VerifierControlOptions> & {
  answer?: (request: RedeemRequest) => Promise<RedeemAnswer>
  parts?: Partial<VerifierControlParts>
} = {}) {
  const clock = { nowMs: NOW * 1000, now: () => clock.nowMs }
  const { log, logged } = collectLog()
  const sessions = new SessionRegistry()
  const remembered: RememberedTrust[] = []
  let connected: ControlHandlers | undefined
  const control = new VerifierControl(
    {
      connect: (handlers) => {
        connected = handlers
        return { ...SILENT_CLIENT, redeem: answer }
      },
      maxTrustAgeMs: 60_000,
      whenBrokerAway: 'local',
      development: false,
      remember: (sets) => void remembered.push(sets),
      ...change,
    },
    {
      sessions,
      ownLedger: createMemoryLedger({ clock, clientBinding: 'address' }),
      clock,
      log,
      ...parts,
    },
    { drain: () => {}, status: () => undefined, message: () => {}, tunnels: () => [] },
  )
  if (connected === undefined) throw new TypeError('not connected')
  return { control, handlers: connected, sessions, clock, remembered, log, logged }
}

const revocation = (change: Partial<Revocation>): Revocation => ({
  ...{ id: 'r1', kind: 'vm', value: 'vm-1', at: NOW * 1000, until: NOW * 2000, endSessions: true },
  ...change,
})

test('a set is trusted and remembered as soon as it comes, and is there in the next run', () => {
  const first = setUp()
  first.handlers.applyTrust({ version: 4, asOf: 0, issuers: [{ ...issuer, purpose: 'gateway' }] })
  expect(first.control.trust.refusal).toBeUndefined()
  expect(first.handlers.versions()).toEqual({ trust: 4, revocations: 0 })
  const [remembered] = first.remembered
  if (remembered === undefined) throw new TypeError('nothing remembered')
  const second = setUp({ remembered })
  expect(second.control.trust.refusal).toBeUndefined()
  expect(second.handlers.versions()).toEqual({ trust: 4, revocations: 0 })
})

test('an issuer that is trusted for two purposes counts once, and for a verifier of one only by that', () => {
  const gateway = { ...issuer, purpose: 'gateway' as const }
  const host = { ...issuer, purpose: 'host' as const }
  const any = setUp()
  any.handlers.applyTrust({ version: 1, asOf: 0, issuers: [gateway, host] })
  any.handlers.applyTrust({ version: 1, asOf: 0, issuers: [gateway, host] })
  expect(any.logged('trust.applied')).toMatchObject([{ trustVersion: 1, issuers: 1 }])
  const one = setUp({ parts: { purpose: 'host' } })
  one.handlers.applyTrust({ version: 1, asOf: 0, issuers: [gateway] })
  one.handlers.applyTrust({ version: 2, asOf: 0, issuers: [gateway, host] })
  expect(one.logged('trust.applied')).toMatchObject([{ issuers: 0 }, { issuers: 1 }])
})

test('what a kind of verifier keeps of its own is remembered with the sets, and nothing before them', () => {
  const drain = { deadline: 5 }
  const { control, handlers, remembered } = setUp({ parts: { alsoRemember: () => ({ drain }) } })
  control.remember()
  expect(remembered).toEqual([])
  handlers.applyTrust({ version: 1, asOf: 0, issuers: [] })
  expect(remembered).toMatchObject([{ trust: { version: 1 }, drain }])
})

test('a confirmation is written down every ten minutes, if it is one', () => {
  const { handlers, clock, remembered } = setUp()
  handlers.applyTrust({ version: 1, asOf: 0, issuers: [] })
  clock.nowMs += TEN_MINUTES_MS - 1
  handlers.confirm({ trust: 1, revocations: 0 }, 0)
  clock.nowMs += 1
  handlers.confirm({ trust: 2, revocations: 0 }, 0)
  expect(remembered).toHaveLength(1)
  handlers.confirm({ trust: 1, revocations: 0 }, 0)
  handlers.confirm({ trust: 1, revocations: 0 }, 0)
  expect(remembered.map(({ trust }) => trust.asOf)).toEqual([NOW * 1000, clock.nowMs])
})

test('a disk that is full costs nothing but the next start', () => {
  const { control, handlers, logged } = setUp({
    remember: () => {
      throw new Error('no space')
    },
  })
  handlers.applyTrust({ version: 1, asOf: 0, issuers: [{ ...issuer, purpose: 'gateway' }] })
  expect(control.trust.refusal).toBeUndefined()
  expect(logged('control.failed')).toMatchObject([{ work: 'remember', error: 'no space' }])
})

test('trust and clock that a broker speaks of may change how the verifier stands', () => {
  const told: number[] = []
  const { control, handlers } = setUp({
    parts: { tellState: () => void told.push(control.clockOffsetMs) },
  })
  handlers.applyTrust({ version: 1, asOf: 0, issuers: [] })
  handlers.confirm({ trust: 1, revocations: 0 }, -5_001)
  expect(told).toEqual([0, -5_001])
})

test('trust that was stale holds again by the time that the broker has confirmed it', () => {
  const told: (string | undefined)[] = []
  const { control, clock, handlers } = setUp({
    parts: { tellState: () => void told.push(control.trust.refusal?.reason) },
  })
  handlers.applyTrust({ version: 1, asOf: 0, issuers: [{ ...issuer, purpose: 'gateway' }] })
  clock.nowMs += 25 * 60 * 60_000
  expect(control.trust.refusal?.reason).toBe('trust-stale')
  handlers.confirm({ trust: 1, revocations: 0 }, 0)
  expect(told).toEqual([undefined, undefined])
})

test('a revocation ends the sessions that it hits when it says so, once', () => {
  const { handlers, sessions, log, logged } = setUp()
  const hit = createTestSession('t1', CLAIMS, log)
  const other = createTestSession('t2', { ...CLAIMS, vm: 'vm-2' }, log)
  for (const session of [hit, other, createUnverifiedSession('t3')]) sessions.add(session)
  const gentle = revocation({ endSessions: false })
  handlers.applyRevocations({ type: 'revocations', version: 1, items: [gentle] })
  expect(logged('session.killed')).toEqual([])
  const items = [revocation({ id: 'r2' })]
  handlers.applyRevocations({ type: 'revocations', version: 2, after: 1, items })
  handlers.applyRevocations({ type: 'revocations', version: 2, after: 1, items })
  expect([hit.ends, other.ends]).toEqual([['token-revoked'], []])
  expect(logged('session.killed')).toMatchObject([{ reason: 'token-revoked' }])
  expect(logged('revocations.applied')).toMatchObject([{ revocations: 1 }, { revocations: 2 }])
})

test('a kill ends the sessions that it names, and says so in their logs', () => {
  const { handlers, sessions, log, logged } = setUp()
  const named = createTestSession('t1', CLAIMS, log.child({ tunnel: 't1' }))
  const other = createTestSession('t2', { ...CLAIMS, sub: 'bob' }, log.child({ tunnel: 't2' }))
  for (const session of [named, other]) sessions.add(session)
  handlers.kill({ type: 'kill', by: { user: 'alice' }, reason: 'killed' })
  expect([named.ends, other.ends]).toEqual([['killed'], []])
  expect(logged('session.killed')).toMatchObject([{ tunnel: 't1', reason: 'killed' }])
})

/** A verifier that has admitted tunnel t1 while no broker was there; from now on one answers this. */
async function decideAlone(answer: () => Promise<RedeemAnswer>) {
  let isAway = true
  const verifier = setUp({
    answer: async () => {
      if (isAway) throw new BrokerError('ERR_NO_ANSWER', 'broker: not connected')
      return answer()
    },
  })
  await verifier.control.ledger.redeem({
    token: { claims: CLAIMS, issuerThumbprint: 'AB', expiredBySeconds: 0 },
    presented: new Secret('token'),
    clientAddress: '192.0.2.7',
    tunnel: 't1',
  })
  isAway = false
  return verifier
}

test.each([
  ['has connected', (handlers: ControlHandlers) => handlers.connected()],
  ['goes on', (handlers: ControlHandlers) => handlers.confirm({ trust: 0, revocations: 0 }, 0)],
])('a broker that %s hears what was decided alone, and what it refuses ends', async (_, speak) => {
  const refused: RedeemAnswer = { ok: false, reason: 'token-replayed' }
  const { handlers, sessions } = await decideAlone(async () => refused)
  const [decided, other] = [createTestSession('t1'), createTestSession('t2')]
  for (const session of [decided, other]) sessions.add(session)
  speak(handlers)
  await eventually('its end', () => decided.ends.length > 0, { intervalMs: 5 })
  expect([decided.ends, other.ends]).toEqual([['superseded'], []])
})

test('a report that fails is logged, and costs nothing else', async () => {
  const { handlers, logged } = await decideAlone(async () => {
    throw new Error('broken')
  })
  handlers.connected()
  await eventually('the log', () => logged('control.failed').length > 0, { intervalMs: 5 })
  expect(logged('control.failed')).toMatchObject([{ work: 'reconcile', error: 'broken' }])
})
