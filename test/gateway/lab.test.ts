import { randomUUID } from 'node:crypto'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import { createGatewayMetrics, type LabOptions, type Limits } from '../../src/gateway/index.ts'
import { type LogFields, Metrics, Secret, systemClock } from '../../src/lib/index.ts'
import {
  decodeChannelResponse,
  decodeTunnelResponse,
  encodeData,
  PacketType,
} from '../../src/protocol/index.ts'
import {
  createIssuer,
  createMemoryLedger,
  createTrustList,
  type GatewayClaims,
  type Issuer,
} from '../../src/tokens/index.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { eventually } from '../helpers/eventually.ts'
import { requests, type TestClient } from '../helpers/packet-client.ts'
import { type ControlledNode, startControlledNode } from './support/controlled-node.ts'
import { connectTo, expectPacket, FIRST_BYTES, openTunnel } from './support/conversation.ts'

let issuer: Issuer
const toClose: (() => unknown)[] = []

beforeAll(async () => {
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 60_000) }
  const authority = await createAuthority({ ...common, commonName: 'Authority', days: 2 })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Lab' } as const
  issuer = await createIssuer(await issueCertificate(leaf))
})

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()))
})

/** A node with a broker, whose own file lists the laboratory's issuer as well. */
async function start(limits: Partial<Limits> = {}) {
  const echo = await startEchoHost()
  const lab: LabOptions = {
    trust: createTrustList([{ certificate: issuer.certificate, purpose: 'lab' }], Date.now()),
    echoHost: { host: echo.host, port: echo.port },
    ledger: createMemoryLedger({ clock: systemClock, clientBinding: 'address' }),
  }
  const metrics = new Metrics()
  const { observer } = createGatewayMetrics(metrics, systemClock)
  const controlled = await startControlledNode({
    // Where users may go, the laboratory may not, and the other way round.
    gateway: { lab, observer, limits, targets: { allow: [{ cidr: '127.0.0.1', ports: [9] }] } },
  })
  controlled.giveTrust()
  toClose.push(() => controlled.node.gateway.close(), echo.stop)
  return { ...controlled, echo, metrics }
}

function mint({ host, port }: EchoHost, change: Partial<GatewayClaims> = {}): Promise<Secret> {
  const now = Math.floor(Date.now() / 1000)
  return issuer.sign({
    ...{ iss: 'lab', aud: 'testfarm', jti: randomUUID(), iat: now, nbf: now, exp: now + 60 },
    ...{ tid: 'tenant1', sub: 'user1', vm: 'vm1', knd: 'rdp', dst: `${host}:${port}` },
    ...change,
  })
}

async function connect({ node }: ControlledNode): Promise<TestClient> {
  const client = await connectTo(node, 'websocket')
  toClose.push(() => client.connections.forEach(({ socket }) => void socket.destroy()))
  return client
}

/** What TUNNEL_CREATE is answered. */
async function present(farm: ControlledNode, token: Secret): Promise<number> {
  const client = await connect(farm)
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(token))
  const response = await expectPacket(client, PacketType.tunnelResponse)
  return decodeTunnelResponse(response.body).statusCode
}

/** What CHANNEL_CREATE is answered. */
async function ask(client: TestClient, token: Secret, port: number, host?: string) {
  await openTunnel(client, token)
  client.send(requests.channel(port, ...(host === undefined ? [] : [host])))
  const response = await expectPacket(client, PacketType.channelResponse)
  return decodeChannelResponse(response.body).errorCode
}

test('its token opens the echo host, and no broker hears of it', async () => {
  const farm = await start()
  const { node, echo, handlers, redeems, events, releases } = farm
  const client = await connect(farm)
  expect(await ask(client, await mint(echo), echo.port)).toBe(0)
  client.send(encodeData(FIRST_BYTES))
  await expectPacket(client, PacketType.data)
  expect(handlers.tunnels()).toEqual([])
  for (const { socket } of client.connections) socket.destroy()
  await eventually('end', () => node.logged('session.closed').length === 1)
  expect({ redeems, events, releases }).toEqual({ redeems: [], events: [], releases: [] })
})

test('every line about it says whose it is, and no tenant, user or machine', async () => {
  const farm = await start()
  const { node, echo } = farm
  expect(await ask(await connect(farm), await mint(echo), echo.port)).toBe(0)
  await present(farm, await mint(echo, { aud: 'another' }))
  const lines = [
    ...['token.redeemed', 'tunnel.created', 'channel.opened'].flatMap(node.logged),
    ...node.logged('token.refused'),
  ]
  expect(lines).toHaveLength(4)
  for (const line of lines as LogFields[]) {
    expect(line.purpose).toBe('lab')
    expect(line).not.toHaveProperty('tenant')
    expect(line).not.toHaveProperty('user')
    expect(line).not.toHaveProperty('vm')
  }
  expect(farm.events).toEqual([])
})

test.each([
  ['a port that users may dial', '127.0.0.1', 9, 'rdp'],
  ['a metadata service', '169.254.169.254', 80, 'rdp'],
  ['a name, whether anybody knows it or not', 'nobody.invalid', 3389, 'rdp'],
  ['a host of Hyper-V', '192.0.2.10', 2179, 'hyperv'],
] as const)('it opens nothing else: %s', async (_what, host, port, knd) => {
  const farm = await start()
  const dst = `${host}:${port}`
  const vmg = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70'
  const token = await mint(farm.echo, { dst, knd, ...(knd === 'hyperv' ? { vmg } : {}) })
  expect(await ask(await connect(farm), token, port, host)).toBe(0x8007_59da)
  expect(farm.node.logged('channel.refused')).toMatchObject([
    { reason: 'target-not-allowed', error: expect.stringContaining(dst), purpose: 'lab' },
  ])
})

test('the echo host is not dialled as a host agent, nor opened for users', async () => {
  const farm = await start()
  const { node, echo } = farm
  const vmg = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70'
  const agent = await mint(echo, { knd: 'agent', vmg })
  expect(await ask(await connect(farm), agent, echo.port)).toBe(0x8007_59da)
  const users = await node.mint(echo.port)
  expect(await ask(await connect(farm), users, echo.port)).toBe(0x8007_59da)
  expect(node.logged('channel.refused').map(({ reason }) => reason)).toEqual([
    'target-not-allowed',
    'target-not-allowed',
  ])
})

test('a broker that trusts the same issuer opens no more to it', async () => {
  const farm = await start()
  const { sha256Thumbprint, pem: certificatePem } = issuer.certificate
  const entry = { certificatePem, sha256Thumbprint, purpose: 'gateway' } as const
  farm.handlers.applyTrust({ version: 2, asOf: 0, issuers: [entry] })
  const token = await mint(farm.echo, { dst: '127.0.0.1:9' })
  expect(await ask(await connect(farm), token, 9)).toBe(0x8007_59da)
})

test('without it in the file, the issuer is unknown', async () => {
  const farm = await startControlledNode()
  farm.giveTrust()
  toClose.push(() => farm.node.gateway.close())
  const echo = { host: '127.0.0.1', port: 3389, stop() {} }
  expect(await present(farm, await mint(echo))).toBe(0x8007_59f8)
  expect(farm.node.logged('token.refused')).toMatchObject([{ reason: 'issuer-unknown' }])
})

test('a token of another issuer under its name is refused', async () => {
  const farm = await start()
  const [header, claims] = (await mint(farm.echo)).reveal().split('.')
  const signature = (await mint(farm.echo)).reveal().split('.')[2]
  const mixed = new Secret([header, claims, signature].join('.'))
  expect(await present(farm, mixed)).toBe(0x8007_59f8)
  expect(farm.node.logged('token.refused')).toMatchObject([{ reason: 'signature-invalid' }])
})

test('stale trust and revocations hold for it as well', async () => {
  const farm = await start()
  const { sha256Thumbprint: value } = issuer.certificate
  const now = Date.now()
  const revocation = {
    id: 'r1',
    kind: 'issuer',
    value,
    at: now + 60_000,
    until: now + 120_000,
  } as const
  farm.handlers.applyRevocations({
    type: 'revocations',
    version: 1,
    items: [{ ...revocation, endSessions: false }],
  })
  expect(await present(farm, await mint(farm.echo))).toBe(0x8007_59f8)
  farm.handlers.applyTrust({ version: 2, asOf: 0, issuers: [] })
  expect(await present(farm, await mint(farm.echo))).toBe(0x8007_59f8)
  expect(farm.node.logged('token.refused').map(({ reason }) => reason)).toEqual([
    'token-revoked',
    'trust-stale',
  ])
})

test('a message to its tenant is not for it', async () => {
  const farm = await start()
  const { node, echo, handlers } = farm
  expect(await ask(await connect(farm), await mint(echo), echo.port)).toBe(0)
  handlers.message({
    type: 'message',
    by: { tenant: 'tenant1' },
    text: 'The key is under the mat.',
  })
  expect(node.logged('session.messaged')).toEqual([])
})

test('past the tunnels of a laboratory: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED', async () => {
  const farm = await start({ maxLabTunnels: 1 })
  const { node, echo } = farm
  expect(await present(farm, await mint(echo))).toBe(0)
  expect(await present(farm, await mint(echo))).toBe(0x8007_59e6)
  expect(node.logged('token.refused')).toMatchObject([{ reason: 'limit-reached' }])
  // Users have their own.
  expect(await present(farm, await node.mint(9))).toBe(0)
})

test('a session of the laboratory ends, whatever its token says', async () => {
  const farm = await start({ labSessionSeconds: 1, sessionSecondMs: 1_000 })
  const { node, echo } = farm
  const client = await connect(farm)
  expect(await ask(client, await mint(echo, { max: 2_592_000 }), echo.port)).toBe(0)
  await eventually('end', () => node.logged('session.closed').length === 1)
  expect(node.logged('session.closed')).toMatchObject([{ reason: 'session-limit' }])
})

test('it counts apart from users', async () => {
  const farm = await start()
  const { echo, metrics } = farm
  expect(await ask(await connect(farm), await mint(echo), echo.port)).toBe(0)
  await present(farm, await mint(echo, { aud: 'another' }))
  const text = await metrics.render()
  for (const line of [
    'portcullis_lab_tunnels 1',
    'portcullis_lab_tunnels_opened_total{transport="websocket"} 1',
    'portcullis_lab_refusals_total{reason="audience-mismatch"} 1',
    'portcullis_tunnels{transport="websocket"} 0',
    'portcullis_tunnels_opened_total{transport="websocket"} 0',
    'portcullis_refusals_total{reason="audience-mismatch"} 0',
  ]) {
    expect(text).toContain(`${line}\n`)
  }
})
