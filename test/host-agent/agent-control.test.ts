import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import type {
  ControlHandlers,
  RedeemAnswer,
  RedeemRequest,
  RememberedTrust,
  SessionEvent,
  TrustSetIssuer,
  VerifierControlOptions,
} from '../../src/control/index.ts'
import type { HostAgentOptions } from '../../src/host-agent/index.ts'
import { BrokerError, type Reason } from '../../src/lib/index.ts'
import { SILENT_CLIENT } from '../control/silent-client.ts'
import { eventually } from '../helpers/eventually.ts'
import { createIssuerPair, HOST_CLAIMS, mintHost, NOW } from '../tokens/minting.ts'
import { opening, said, startAgent, type TestAgent } from './support.ts'

let issuer: KeyPair
let agents: TestAgent[] = []

beforeAll(async () => {
  issuer = await createIssuerPair()
})
afterEach(async () => {
  for (const agent of agents.splice(0)) await agent.close()
})

/** An agent with a broker in place of its control channel, that writes down what it is told. */
async function start(
  answer: () => Promise<RedeemAnswer> = async () => ({ ok: true }),
  change: Partial<VerifierControlOptions> = {},
  options: Partial<HostAgentOptions> = {},
) {
  const told = {
    redeems: [] as RedeemRequest[],
    releases: [] as [string, Reason | undefined][],
    events: [] as SessionEvent[],
    remembered: [] as RememberedTrust[],
  }
  const given = Promise.withResolvers<ControlHandlers>()
  const agent = await startAgent({
    issuer,
    control: {
      connect: (handlers) => {
        given.resolve(handlers)
        return {
          ...SILENT_CLIENT,
          redeem: (request) => {
            told.redeems.push(request)
            return answer()
          },
          release: (tunnel, reason) => void told.releases.push([tunnel, reason]),
          event: (event) => void told.events.push(event),
        }
      },
      maxTrustAgeMs: 60_000,
      whenBrokerAway: 'local',
      development: false,
      remember: (sets) => void told.remembered.push(sets),
      ...change,
    },
    ...options,
  })
  agents = [...agents, agent]
  const handlers = await given.promise
  const giveTrust = (purpose: 'host' | 'gateway' = 'host'): void => {
    const { sha256Thumbprint } = readCertificate(issuer.certificatePem)
    const entry: TrustSetIssuer = {
      ...{ certificatePem: issuer.certificatePem, sha256Thumbprint, purpose },
    }
    handlers.applyTrust({ version: 1, asOf: 0, issuers: [entry] })
  }
  return { ...told, agent, handlers, giveTrust }
}

async function present({ address }: TestAgent): Promise<{ through: boolean; socket: Socket }> {
  const socket = connect(address.port, address.host)
  await once(socket, 'connect')
  socket.write(opening(mintHost(issuer)))
  return { through: (await said(socket, 4)).toString() === 'pong', socket }
}

const noAnswer = async (): Promise<never> => {
  throw new BrokerError('ERR_NO_ANSWER', 'broker: not connected')
}

const reasons = ({ log }: TestAgent) =>
  log.filter(({ event }) => event === 'host.refused').map(({ reason }) => reason)

test('without trust of a broker, with trust for gateways alone, and with old trust nobody gets in', async () => {
  const { agent, giveTrust, handlers } = await start()
  expect((await present(agent)).through).toBe(false)
  expect(agent.agent.figures().ready).toBe(false)
  giveTrust('gateway')
  expect((await present(agent)).through).toBe(false)
  giveTrust()
  handlers.confirm({ trust: 1, revocations: 0 }, 0)
  expect((await present(agent)).through).toBe(true)
  expect(agent.agent.figures()).toMatchObject({ ready: true, trustVersion: 1 })
  agent.clock.nowMs += 61_000
  expect((await present(agent)).through).toBe(false)
  expect(reasons(agent)).toEqual(['trust-stale', 'issuer-unknown', 'trust-stale'])
})

test('the broker decides, with the token as it came and the client behind the node', async () => {
  const { agent, giveTrust, redeems, releases, events } = await start(async () => ({
    ...{ ok: false, reason: 'token-replayed' },
  }))
  giveTrust()
  expect((await present(agent)).through).toBe(false)
  expect(redeems).toMatchObject([{ clientAddress: '192.0.2.7' }])
  expect(redeems[0]?.token.reveal()).toMatch(/^eyJ/)
  expect(releases).toEqual([])
  expect(reasons(agent)).toEqual(['token-replayed'])
  expect(events).toMatchObject([
    {
      event: 'host.refused',
      fields: { jti: HOST_CLAIMS.jti, vm: 'vm-1', host: 'hv1', reason: 'token-replayed' },
    },
  ])
})

test('without an answer its own memory decides, or nobody gets in', async () => {
  const local = await start(noAnswer)
  local.giveTrust()
  expect((await present(local.agent)).through).toBe(true)
  const strict = await start(noAnswer, { whenBrokerAway: 'refuse' })
  strict.giveTrust()
  expect((await present(strict.agent)).through).toBe(false)
  expect(reasons(strict.agent)).toEqual(['broker-unreachable'])
})

test.each([
  ['its token', { jti: HOST_CLAIMS.jti }],
  ['its machine', { vm: 'vm-1' }],
])('a kill of %s ends the session, and says so with its lease', async (_, by) => {
  const { agent, handlers, giveTrust, releases } = await start()
  giveTrust()
  const { socket } = await present(agent)
  const closed = once(socket, 'close')
  handlers.kill({ type: 'kill', by: { jti: 'another' }, reason: 'killed' })
  handlers.kill({ type: 'kill', by: { tenant: 'contoso' }, reason: 'killed' })
  expect(handlers.tunnels()).toHaveLength(1)
  handlers.kill({ type: 'kill', by, reason: 'killed' })
  await closed
  await eventually('the end of the lease', () => releases.length > 0)
  expect(releases).toEqual([[expect.any(String), 'killed']])
})

test('a revocation counts at once, also for what is open when it says so', async () => {
  const { agent, handlers, giveTrust } = await start()
  giveTrust()
  const { socket } = await present(agent)
  const closed = once(socket, 'close')
  const revocation = {
    id: 'r1',
    kind: 'vm',
    value: 'vm-1',
    at: NOW * 1000,
    until: NOW * 2000,
  } as const
  handlers.applyRevocations({
    ...{ type: 'revocations', version: 1, items: [{ ...revocation, endSessions: true }] },
  })
  await closed
  expect((await present(agent)).through).toBe(false)
  expect(reasons(agent)).toEqual(['token-revoked'])
})

test('it starts with what it remembers, and tells the console the grant by its reference', async () => {
  const first = await start()
  first.giveTrust()
  const remembered = first.remembered.at(-1)
  if (remembered === undefined) throw new TypeError('nothing remembered')
  const second = await start(async () => ({ ok: true, ref: '7K3M-Q2XD' }), { remembered })
  expect(second.handlers.versions()).toEqual({ trust: 1, revocations: 0 })
  const { console } = first.agent
  const third = await start(
    async () => ({ ok: true, ref: '7K3M-Q2XD' }),
    { remembered },
    { consoles: { find: async () => ({ address: console.address, proxy: true }) } },
  )
  await present(third.agent)
  expect(console.received().toString('latin1')).toContain('7K3M-Q2XD')
})

test('a clock that is off makes it not ready', async () => {
  const { agent, handlers, giveTrust } = await start()
  giveTrust()
  handlers.confirm({ trust: 1, revocations: 0 }, 6_000)
  expect(agent.agent.figures().ready).toBe(false)
  handlers.confirm({ trust: 1, revocations: 0 }, 4_000)
  expect(agent.agent.figures().ready).toBe(true)
})
