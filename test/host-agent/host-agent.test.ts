import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, beforeAll, expect, test } from 'vitest'
import type { KeyPair } from '../../src/certs/index.ts'
import { dialHost } from '../../src/gateway/dial.ts'
import { createTargetPolicy } from '../../src/gateway/index.ts'
import { createStaticConsoles, type HostAgentOptions } from '../../src/host-agent/index.ts'
import { createLog, type Reason, Secret } from '../../src/lib/index.ts'
import {
  decodeConnectionConfirm,
  decodeGrantNotice,
  decodeProxyFields,
  decodeProxyV2,
} from '../../src/protocol/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { blob } from '../helpers/preconnection.ts'
import { startUnanswering } from '../helpers/unanswering-target.ts'
import { createIssuerPair, HOST_CLAIMS, mint, mintHost, NOW, VM_GUID } from '../tokens/minting.ts'
import {
  createPeers,
  dialTls,
  identify,
  opening,
  REQUEST,
  said,
  startAgent,
  type TestAgent,
} from './support.ts'

const OTHER_VM = '7c9e6679-7425-40de-944b-e07fc1f90ae7'

let peers: Awaited<ReturnType<typeof createPeers>>
let issuer: KeyPair
let running: TestAgent[] = []

beforeAll(async () => {
  peers = await createPeers()
  issuer = await createIssuerPair()
})

afterEach(async () => {
  for (const agent of running.splice(0)) await agent.close()
})

async function start(change: Partial<HostAgentOptions> = {}): Promise<TestAgent> {
  const agent = await startAgent({ issuer, ...change })
  running = [...running, agent]
  return agent
}

async function send({ address }: TestAgent, bytes: Uint8Array): Promise<Socket> {
  const socket = connect(address.port, address.host)
  socket.on('error', () => {})
  await once(socket, 'connect')
  socket.write(bytes)
  return socket
}

/** The console answers: the client is through. */
async function open(agent: TestAgent, token: Secret, client?: string): Promise<Socket> {
  const socket = await send(agent, opening(token, client === undefined ? {} : { client }))
  expect((await said(socket, 4)).toString()).toBe('pong')
  return socket
}

/** A negotiation failure and the end, nothing at the console, one line with the reason. */
async function expectRefusal(agent: TestAgent, bytes: Uint8Array, reason: Reason): Promise<void> {
  const before = agent.console.sockets.length
  const lines = agent.log.length
  const answer = await said(await send(agent, bytes))
  expect(decodeConnectionConfirm(answer)).toEqual({ kind: 'failure', failureCode: 4 })
  expect(agent.console.sockets.length).toBe(before)
  const refusals = agent.log.slice(lines).filter(({ event }) => event === 'host.refused')
  expect(refusals).toEqual([expect.objectContaining({ reason, host: 'hv1' })])
}

test('openings that prove nothing fill the log with so many lines', async () => {
  const lines: Record<string, unknown>[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const agent = await start({ log: createLog({ level: 'debug', stream }) })
  const refused = () => lines.filter(({ event }) => event === 'host.refused')
  for (let count = 50; count <= 1_050; count += 50) {
    const bad = Array.from({ length: 50 }, () => send(agent, opening(new Secret('no token'))))
    await eventually('refusals', () => refused().length === count, { intervalMs: 5 })
    for (const socket of await Promise.all(bad)) socket.destroy()
  }
  expect(refused().filter(({ level }) => level === 'warn')).toHaveLength(1_000)
}, 30_000)

test('what is right reaches the console: the connection request first, then all that follows', async () => {
  const agent = await start()
  const socket = await open(agent, mintHost(issuer))
  socket.write('hello')
  await eventually('hello', async () => agent.console.received().includes('hello'))
  expect(agent.console.received()).toEqual(Buffer.concat([REQUEST, Buffer.from('hello')]))
  socket.end()
  const closed = await eventually('session.closed', async () =>
    agent.log.find(({ event }) => event === 'session.closed'),
  )
  expect(closed).toMatchObject({
    ...{ reason: 'client-closed', remoteAddress: '192.0.2.7', vm: 'vm-1', jti: HOST_CLAIMS.jti },
    bytesIn: REQUEST.length + 5,
  })
  expect(JSON.stringify(agent.log)).not.toContain(mintHost(issuer).reveal().slice(0, 60))
})

test.each<[string, Reason, () => Secret]>([
  ['for another host', 'audience-mismatch', () => mintHost(issuer, { claims: { aud: 'hv2' } })],
  ['for another machine', 'vm-mismatch', () => mintHost(issuer, { claims: { vmg: OTHER_VM } })],
  [
    'that has expired',
    'token-expired',
    () => mintHost(issuer, { claims: { iat: NOW - 70, nbf: NOW - 70, exp: NOW - 10 } }),
  ],
  [
    'of the future',
    'token-not-yet-valid',
    () => mintHost(issuer, { claims: { iat: NOW + 10, nbf: NOW + 10 } }),
  ],
  ['made for a gateway', 'token-malformed', () => mint(issuer)],
])('a token %s is refused with %s', async (_, reason, token) => {
  await expectRefusal(await start(), opening(token()), reason)
})

test('a token of an issuer that it does not trust is refused', async () => {
  const stranger = await createIssuerPair()
  await expectRefusal(await start(), opening(mintHost(stranger)), 'issuer-unknown')
})

test('a machine that is not here is refused, and no use of its token is spent', async () => {
  const agent = await start({ consoles: createStaticConsoles({}) })
  for (let times = 0; times < 3; times += 1) {
    await expectRefusal(agent, opening(mintHost(issuer)), 'vm-unknown')
  }
})

test('a replayed token is refused: another client, too many at a time, and long after its first use', async () => {
  const agent = await start()
  const token = mintHost(issuer)
  const first = await open(agent, token)
  await expectRefusal(agent, opening(token, { client: '192.0.2.8' }), 'client-mismatch')
  const second = await open(agent, token)
  await expectRefusal(agent, opening(token), 'token-replayed')
  first.destroy()
  second.destroy()
  agent.clock.nowMs += 121_000
  await expectRefusal(agent, opening(token), 'token-expired')
})

test.each([
  ['no blob', Buffer.concat([opening(new Secret('x')).subarray(0, 28), REQUEST]), 'protocol-error'],
  ['a blob without a token', opening(new Secret('')), 'token-malformed'],
  ['no PROXY header', REQUEST, 'protocol-error'],
] as const)('%s is refused', async (_, bytes, reason) => {
  await expectRefusal(await start(), bytes, reason)
})

test('a probe, which brings no token, gets its refusal, and neither line nor count', async () => {
  const agent = await start()
  const [header, request] = [opening(new Secret('')).subarray(0, 28), REQUEST]
  const answer = await said(await send(agent, Buffer.concat([header, blob(OTHER_VM), request])))
  expect(decodeConnectionConfirm(answer)).toEqual({ kind: 'failure', failureCode: 4 })
  expect(agent.log).toEqual([])
})

test('a client that says nothing, or half of it, is refused when its time is over', async () => {
  const agent = await start({ limits: { openingMs: 100 } })
  await expectRefusal(agent, new Uint8Array(), 'set-up-timeout')
  await expectRefusal(agent, opening(mintHost(issuer)).subarray(0, 60), 'set-up-timeout')
})

test('a console that is not there is a negotiation failure, too', async () => {
  const agent = await start()
  agent.console.close()
  const answer = await said(await send(agent, opening(mintHost(issuer))))
  expect(decodeConnectionConfirm(answer)).toMatchObject({ kind: 'failure' })
  expect(agent.log).toContainEqual(
    expect.objectContaining({ event: 'host.refused', reason: 'host-unreachable' }),
  )
})

test('a console that does not answer in time is given up', async () => {
  const silent = await startUnanswering()
  const address = { host: '127.0.0.1', port: silent.port }
  const agent = await start({
    consoles: createStaticConsoles({ [VM_GUID]: { address, proxy: false } }),
    limits: { dialMs: 100 },
  })
  await expectRefusal(agent, opening(mintHost(issuer)), 'host-unreachable')
  await silent.close()
})

test('a client that does not close after the end is cut off', async () => {
  const agent = await start({ limits: { closeMs: 100 } })
  const socket = connect({ ...agent.address, allowHalfOpen: true })
  socket.write(REQUEST)
  expect(await said(socket)).not.toHaveLength(0)
  const pushing = setInterval(() => socket.write('more'), 20)
  await new Promise((resolve) => socket.once('close', resolve))
  clearInterval(pushing)
})

test('past all connections a newcomer is closed at once, and served when there is room', async () => {
  const agent = await start({ limits: { maxConnections: 1 } })
  const first = await open(agent, mintHost(issuer))
  expect(await said(await send(agent, opening(mintHost(issuer))))).toHaveLength(0)
  first.destroy()
  await eventually('room', async () => agent.agent.figures().ready)
  await eventually('a second session', async () => {
    const socket = await send(agent, opening(mintHost(issuer)))
    return (await said(socket, 4)).toString() === 'pong'
  })
})

/** Connections that say nothing, a queue of a listener full at most. */
async function openSilent({ address }: TestAgent, count: number): Promise<Socket[]> {
  const sockets = Array.from({ length: count }, () => connect(address.port, address.host))
  for (const socket of sockets) socket.on('error', () => {}).resume()
  await Promise.all(sockets.map((socket) => once(socket, 'connect')))
  return sockets
}

test('connections that say nothing keep nobody out, and no session ends for them', async () => {
  const agent = await start({ limits: { maxConnections: 3 } })
  const silent = await openSilent(agent, 100)
  const session = await open(agent, mintHost(issuer))
  silent.push(...(await openSilent(agent, 100)))
  await eventually('room was made', () => silent.filter(({ closed }) => closed).length >= 198)
  expect(session.closed).toBe(false)
  for (const socket of silent) socket.destroy()
})

test('a console that asks for it is told who comes and what the grant is', async () => {
  const { console } = await start()
  const agent = await start({
    consoles: createStaticConsoles({ [VM_GUID]: { address: console.address, proxy: true } }),
  })
  await open(agent, mintHost(issuer), '2001:db8::7')
  const received = console.received()
  const header = decodeProxyV2(received)
  expect(header?.source).toEqual({ address: '2001:db8::7', port: 40_000 })
  const fields = decodeProxyFields(received.subarray(0, header?.length))
  expect(decodeGrantNotice(fields)).toEqual({ expiresAt: HOST_CLAIMS.exp })
  expect(received.subarray(header?.length)).toEqual(REQUEST)
})

test('close ends live sessions, and their sockets', async () => {
  const agent = await start()
  const socket = await open(agent, mintHost(issuer))
  const closed = once(socket, 'close')
  await agent.agent.close()
  await closed
  expect(agent.log).toContainEqual(
    expect.objectContaining({ event: 'session.closed', reason: 'node-stopped' }),
  )
})

test('a console that takes nothing ends the session, within two periods', async () => {
  const agent = await start({ limits: { slowPeerMs: 150 } })
  const socket = await open(agent, mintHost(issuer))
  for (const side of agent.console.sockets) side.pause()
  const pushing = setInterval(() => socket.write(Buffer.alloc(1_000_000)), 5)
  try {
    const closed = await eventually('session.closed', async () =>
      agent.log.find(({ event }) => event === 'session.closed'),
    )
    expect(closed).toMatchObject({
      reason: 'slow-peer',
      error: 'console: took nothing within 150 ms',
    })
  } finally {
    clearInterval(pushing)
  }
})

function withTls(change: Partial<HostAgentOptions> = {}): Promise<TestAgent> {
  const { ca, agent } = peers
  return start({ security: { ...agent, ca, identify }, ...change })
}

function dialAsNode(
  { address }: TestAgent,
  change: { host?: string; pair?: KeyPair; clientAddress?: string } = {},
) {
  const { host = 'hv1.example', pair = peers.node, clientAddress = '192.0.2.7' } = change
  return dialHost(
    { host, port: address.port },
    {
      agent: { security: { ...pair, ca: peers.ca, identify }, host, clientAddress },
      policy: createTargetPolicy([{ cidr: '127.0.0.1', ports: [address.port] }], []),
      lookup: async () => ['127.0.0.1'],
      timeoutMs: 20_000,
      maxAttempts: 1,
      signal: new AbortController().signal,
    },
  )
}

test('a node gets through over mutual TLS, with its client', async () => {
  const agent = await withTls()
  const { socket, reader } = await dialAsNode(agent)
  const behindHeader = opening(mintHost(issuer)).subarray(28)
  socket.write(behindHeader)
  const answer = await new Promise<string>((resolve) => {
    reader.start(socket, (buffer, end, done) => {
      resolve(buffer.subarray(0, end).toString('latin1'))
      done()
    })
  })
  expect(answer).toMatch(/pong$/)
  expect(agent.log).toContainEqual(
    expect.objectContaining({ event: 'token.redeemed', node: 'gw1', remoteAddress: '192.0.2.7' }),
  )
  socket.destroy()
})

test('a node takes no agent of another host, no other peer, and no plain host', async () => {
  const mismatch = expect.objectContaining({ reason: 'host-tls-mismatch' })
  const agent = await withTls()
  await expect(dialAsNode(agent, { host: 'hv2.example' })).rejects.toEqual(mismatch)
  const impostor = await withTls({ security: { ...peers.node, ca: peers.ca, identify } })
  await expect(dialAsNode(impostor, { host: 'gw1' })).rejects.toEqual(mismatch)
  const plain = await start({ limits: { openingMs: 200 } })
  await expect(dialAsNode(plain)).rejects.toEqual(mismatch)
  plain.console.close()
})

test('a client whose address cannot be read costs that one dial, never the process', async () => {
  const agent = await withTls()
  const dialled = dialAsNode(agent, { clientAddress: 'unknown' })
  await expect(dialled).rejects.toMatchObject({ reason: 'host-unreachable' })
})

test('an agent takes nobody but nodes of its control CA', async () => {
  const agent = await withTls()
  const strangers = await createPeers()
  for (const pair of [undefined, peers.otherAgent, strangers.node]) {
    const socket = dialTls(agent.address, peers.ca, pair)
    socket.on('error', () => {})
    socket.once('secureConnect', () => socket.write(opening(mintHost(issuer))))
    expect(await said(socket)).toHaveLength(0)
  }
  expect(agent.console.sockets).toHaveLength(0)
  const reasons = () => agent.log.filter(({ event }) => event === 'host.refused')
  await eventually('their lines', () => reasons().length === 3, { intervalMs: 5 })
})

test('connections that begin no TLS keep no node out, and leave few lines', async () => {
  const agent = await withTls({ limits: { maxConnections: 3 } })
  const silent = await openSilent(agent, 300)
  const node = dialTls(agent.address, peers.ca, peers.node)
  node.once('secureConnect', () => node.write(opening(mintHost(issuer))))
  expect((await said(node, 4)).toString()).toBe('pong')
  await eventually('room was made', () => silent.filter(({ closed }) => closed).length >= 298)
  expect(agent.log.filter(({ event }) => event === 'host.refused').length).toBeLessThan(150)
  for (const socket of [node, ...silent]) socket.destroy()
})

test('a connection that begins no TLS is closed when its time is over', async () => {
  const agent = await withTls({ limits: { handshakeMs: 100 } })
  const socket = connect(agent.address.port, agent.address.host)
  expect(await said(socket)).toHaveLength(0)
})
