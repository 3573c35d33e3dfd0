import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import {
  decodeChannelResponse,
  decodeClose,
  decodeTunnelAuthResponse,
  decodeTunnelResponse,
  encodeData,
  type Packet,
  PacketType,
  RedirFlag,
  Status,
} from '../../src/protocol/index.ts'
import { FIRST_BYTES } from '../gateway/support/conversation.ts'
import { eventually } from '../helpers/eventually.ts'
import { type FarmRun, startFarm } from '../helpers/farm.ts'
import { openHttpPair, openWebSocket, requests, type TestClient } from '../helpers/packet-client.ts'

/** Policy set with the command line, seen by a client on the wire: through broker, token, redeem and node. */
let farm: FarmRun
let clients: TestClient[] = []

beforeAll(async () => {
  farm = await startFarm(['gw1', 'gw2'])
})
afterAll(() => farm?.stop())

afterEach(async () => {
  for (const client of clients) leave(client)
  clients = []
  await farm.api('PUT', '/v1/policy/tenants/acme', {})
  await eventually('sessions to end', async () => {
    return (await json('/v1/sessions')).items.length === 0
  })
})

async function json(path: string) {
  return JSON.parse((await farm.api('GET', path)).body.toString('utf8'))
}

function leave({ connections }: TestClient): void {
  for (const connection of connections) connection.reset()
}

async function setPolicy(...settings: string[]): Promise<void> {
  const { code, output } = await farm.cli('policy', 'set', '--tenant', 'acme', ...settings)
  expect(code, output).toBe(0)
}

async function connect(node = 0, open: typeof openWebSocket | typeof openHttpPair = openWebSocket) {
  const client = await open(farm.nodes[node]?.port ?? 0, farm.ca)
  clients.push(client)
  client.send(requests.handshake())
  await next(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(await farm.mint()))
  const { body } = await next(client, PacketType.tunnelResponse)
  return { client, tunnel: decodeTunnelResponse(body) }
}

async function next({ receive }: TestClient, type: number): Promise<Packet> {
  const packet = await receive()
  expect(packet?.type).toBe(type)
  // The line above has made sure of it.
  return packet as Packet
}

test.each([
  ['WebSocket', openWebSocket],
  ['OUT and IN', openHttpPair],
])('over %s the client is told what policy asks of it', async (_, open) => {
  await setPolicy(
    ...['--enforce', 'redirect=clipboard,printers', '--default', 'idleLimitMinutes=7'],
    ...['--enforce', 'consentText=Be good.\nAlways.'],
  )
  const { client, tunnel } = await connect(0, open)
  expect(tunnel).toMatchObject({ statusCode: Status.ok, consentMsg: 'Be good.\nAlways.' })
  client.send(requests.authorization())
  const { body } = await next(client, PacketType.tunnelAuthResponse)
  expect(decodeTunnelAuthResponse(body)).toMatchObject({
    errorCode: Status.ok,
    redirFlags: RedirFlag.disableDrive | RedirFlag.disablePort | RedirFlag.disablePnp,
    idleTimeoutMinutes: 7,
  })
})

test('without policy nothing is redirected, limited or asked', async () => {
  const { client, tunnel } = await connect()
  expect(tunnel.consentMsg).toBeUndefined()
  client.send(requests.authorization())
  const { body } = await next(client, PacketType.tunnelAuthResponse)
  expect(decodeTunnelAuthResponse(body)).toMatchObject({
    redirFlags: RedirFlag.disableAll,
    idleTimeoutMinutes: 0,
  })
})

test('a second session of the machine is refused on every node, until the first has ended', async () => {
  const { client, tunnel } = await connect()
  expect(tunnel.statusCode).toBe(Status.ok)
  // Files that are out already when the limit is set.
  const tokens = [await farm.mint(), await farm.mint()]
  await setPolicy('--enforce', 'maxSessions=1')
  for (const [node, token] of tokens.entries()) {
    const other = await openWebSocket(farm.nodes[node]?.port ?? 0, farm.ca)
    clients.push(other)
    other.send(requests.handshake())
    await next(other, PacketType.handshakeResponse)
    other.send(requests.tunnel(token))
    const { body } = await next(other, PacketType.tunnelResponse)
    expect(decodeTunnelResponse(body).statusCode).toBe(0x8007_59e6)
  }
  expect((await farm.api('POST', '/v1/consoles', { vm: 'web' })).status).toBe(409)
  leave(client)
  await eventually('room for one more', async () => {
    const { tunnel: again } = await connect(1)
    return again.statusCode === Status.ok
  })
})

test('a session ends when policy says', async () => {
  // Enough for the way to the channel and a look at the list, on a busy machine as well.
  await setPolicy('--enforce', 'sessionLimitSeconds=12')
  const { client } = await connect()
  client.send(requests.authorization())
  await next(client, PacketType.tunnelAuthResponse)
  client.send(requests.channel(farm.target.port, farm.target.host))
  const { body } = await next(client, PacketType.channelResponse)
  expect(decodeChannelResponse(body).errorCode).toBe(Status.ok)
  // Without them the node ends it before its time.
  client.send(encodeData(FIRST_BYTES))
  const [{ id }] = (await json('/v1/sessions')).items
  const { body: closing } = await next(client, PacketType.closeChannel)
  // This client has not announced that it knows time limits: for it, somebody ended the session.
  expect(decodeClose(closing)).toBe(0x8007_04d4)
  await eventually('the reason', async () => {
    return (await json(`/v1/sessions/${id}`)).reason === 'session-limit'
  })
})
