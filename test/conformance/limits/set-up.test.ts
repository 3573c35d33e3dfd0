import { afterEach, expect, test } from 'vitest'
import { Secret } from '../../../src/lib/index.ts'
import {
  decodeChannelResponse,
  decodeTunnelAuthResponse,
  decodeTunnelResponse,
  encodeKeepAlive,
  PacketType,
  Status,
} from '../../../src/protocol/index.ts'
import { expectPacket, KINDS, openTunnel } from '../../gateway/support/conversation.ts'
import {
  expectRefusal,
  type Limited,
  PROMPT_MS,
  startLimited,
} from '../../gateway/support/limited-node.ts'
import { eventually } from '../../helpers/eventually.ts'
import { openWebSocket, requests, type TestClient } from '../../helpers/packet-client.ts'
import { startUnanswering } from '../../helpers/unanswering-target.ts'

/** A limit under test, within which the steps before it are done on a busy machine. */
const LIMIT_MS = 2_000

let limited: Limited

afterEach(() => limited.close())

const tunnelStatus = (body: Uint8Array): number => decodeTunnelResponse(body).statusCode
const authorizationStatus = (body: Uint8Array): number => decodeTunnelAuthResponse(body).errorCode
const channelStatus = (body: Uint8Array): number => decodeChannelResponse(body).errorCode

async function greet(client: TestClient): Promise<void> {
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
}

test.each(KINDS)(
  'a tunnel that is not asked for in time: TUNNEL_RESPONSE, over %s',
  async (kind) => {
    limited = await startLimited({ tunnelTimeoutMs: LIMIT_MS })
    const client = await limited.connect(kind)
    await greet(client)
    // KEEPALIVE is welcome and buys no time.
    const chatter = setInterval(() => client.send(encodeKeepAlive()), 50)
    await expectRefusal(
      client,
      PacketType.tunnelResponse,
      tunnelStatus,
      Status.internalError,
      LIMIT_MS,
    )
    clearInterval(chatter)
    await limited.expectNothingLeft()
  },
)

test.each(KINDS)('a channel that is not asked for in time, over %s', async (kind) => {
  limited = await startLimited({ channelTimeoutMs: LIMIT_MS })
  const silent = await limited.connect(kind)
  await greet(silent)
  silent.send(requests.tunnel(await limited.node.mint(limited.host.port)))
  await expectPacket(silent, PacketType.tunnelResponse)
  const { tunnelAuthResponse, channelResponse } = PacketType
  await expectRefusal(
    silent,
    tunnelAuthResponse,
    authorizationStatus,
    Status.internalError,
    LIMIT_MS,
  )
  const authorized = await limited.connect(kind)
  await openTunnel(authorized, await limited.node.mint(limited.host.port))
  await expectRefusal(authorized, channelResponse, channelStatus, Status.internalError, LIMIT_MS)
  await limited.expectNothingLeft()
  const closed = () => limited.node.logged('session.closed')
  await eventually('their ends', () => closed().length >= 2, { intervalMs: 10 })
  const reasons = closed().map(({ reason }) => reason)
  expect(reasons).toEqual(['set-up-timeout', 'set-up-timeout'])
  expect(limited.host.connections).toEqual([])
})

test.each([
  ['maxTunnels', { maxTunnels: 1 }, '127.0.0.2'],
  ['maxTunnelsPerAddress', { maxTunnelsPerAddress: 1 }, '127.0.0.1'],
] as const)(
  'past %s: TUNNEL_RESPONSE E_PROXY_MAXCONNECTIONSREACHED',
  async (_, limits, address) => {
    limited = await startLimited(limits)
    const { node, host } = limited
    const first = await limited.connect('websocket')
    await openTunnel(first, await node.mint(host.port))
    const token = await node.mint(host.port)
    const second = await openWebSocket(node.port, node.ca, address)
    await greet(second)
    second.send(requests.tunnel(token))
    const { tunnelResponse } = PacketType
    await expectRefusal(second, tunnelResponse, tunnelStatus, Status.maxConnectionsReached)
    expect(node.logged('token.refused')).toMatchObject([{ reason: 'limit-reached' }])
    await limited.expectNothingLeft()
    // The token was not used up: it opens a tunnel now that there is room.
    const third = await openWebSocket(node.port, node.ca, address)
    await openTunnel(third, token)
    third.connections[0]?.socket.destroy()
  },
)

test.each(KINDS)('a host that does not answer in time, over %s', async (kind) => {
  limited = await startLimited({ dialTimeoutMs: 300 })
  const silent = await startUnanswering()
  const client = await limited.connect(kind)
  await openTunnel(client, await limited.node.mint(silent.port))
  client.send(requests.channel(silent.port))
  const { channelResponse } = PacketType
  await expectRefusal(client, channelResponse, channelStatus, Status.hostConnectFailed, 300)
  expect(limited.node.logged('channel.refused')).toMatchObject([{ reason: 'host-unreachable' }])
  await silent.close()
  await limited.expectNothingLeft()
})

test('a client that leaves while its host is dialled takes the dial with it', async () => {
  const silent = await startUnanswering()
  limited = await startLimited({ dialTimeoutMs: 60_000 })
  const client = await limited.connect('websocket')
  await openTunnel(client, await limited.node.mint(silent.port))
  client.send(requests.channel(silent.port))
  await limited.expectNothingLeft()
  await silent.close()
})

test('a cookie that is too long: TUNNEL_RESPONSE E_PROXY_COOKIE_BADPACKET', async () => {
  limited = await startLimited({ maxCookieCharacters: 4_096 })
  const client = await limited.connect('websocket')
  await greet(client)
  client.send(requests.tunnel(new Secret('a'.repeat(4_097))))
  await expectRefusal(client, PacketType.tunnelResponse, tunnelStatus, Status.cookieBadPacket)
  const lines = limited.node.logged('token.refused')
  expect(lines).toMatchObject([{ error: expect.stringContaining('4097 characters, at most 4096') }])
  await limited.expectNothingLeft()
})

test.each(KINDS)('packets that pile up before they are asked for, over %s', async (kind) => {
  limited = await startLimited({ maxQueuedPackets: 16, dialTimeoutMs: 60_000 })
  const silent = await startUnanswering()
  const client = await limited.connect(kind)
  await openTunnel(client, await limited.node.mint(silent.port))
  client.send(requests.channel(silent.port))
  const startedAtMs = performance.now()
  client.send(Buffer.concat(Array.from({ length: 1_000 }, () => encodeKeepAlive())))
  // Its bytes are no conversation any more: nothing answers them, all is closed.
  expect(await client.receive()).toBeUndefined()
  expect(performance.now() - startedAtMs).toBeLessThan(PROMPT_MS)
  const end = await eventually('its end', () => limited.node.logged('session.closed')[0])
  expect(end).toMatchObject({ reason: 'protocol-error' })
  await silent.close()
  await limited.expectNothingLeft()
})
