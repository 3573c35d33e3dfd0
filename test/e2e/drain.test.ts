import { afterAll, beforeAll, describe, expect } from 'vitest'
import type { Secret } from '../../src/lib/index.ts'
import {
  decodeChannelResponse,
  decodeClose,
  decodeData,
  decodeServiceMessage,
  decodeTunnelResponse,
  encodeData,
  PacketType,
} from '../../src/protocol/index.ts'
import { expectPacket, FIRST_BYTES, KINDS, type Kind } from '../gateway/support/conversation.ts'
import { type BalancedFarm, startBalancedFarm } from '../helpers/balanced-farm.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { eventually } from '../helpers/eventually.ts'
import {
  openConnection,
  openHttpPair,
  openWebSocket,
  requests,
  type TestClient,
} from '../helpers/packet-client.ts'
import { testWithPrograms } from '../helpers/programs.ts'

/** Enough that chance puts them all on one of two nodes once in millions of runs. */
const CLIENTS = 24
const DRAINING = 0x8007_59e6

interface Session {
  client: TestClient
  kind: Kind
  address: string
  token: Secret
  /** What its user was shown. */
  shown: string[]
}

describe('a node is drained behind HAProxy', () => {
  let host: EchoHost
  let farm: BalancedFarm
  const opened: Session[] = []

  beforeAll(async () => {
    host = await startEchoHost()
    farm = await startBalancedFarm(['gw1', 'gw2'], { target: host })
  })
  afterAll(async () => {
    opened.forEach(leave)
    await farm?.stop()
    host?.stop()
  })

  async function open(address: string, kind: Kind, port = farm.port): Promise<Session> {
    const token = await farm.mint()
    const client = await connect(address, kind, port)
    expect(await present(client, token)).toBe(0)
    client.send(requests.authorization())
    await expectPacket(client, PacketType.tunnelAuthResponse)
    client.send(requests.channel(host.port))
    const { body } = await expectPacket(client, PacketType.channelResponse)
    expect(decodeChannelResponse(body).errorCode).toBe(0)
    const session: Session = { client, kind, address, token, shown: [] }
    opened.push(session)
    await echo(session)
    return session
  }

  function connect(localAddress: string, kind: Kind, port: number): Promise<TestClient> {
    if (kind === 'websocket') return openWebSocket(port, farm.ca, localAddress)
    return openHttpPair(port, farm.ca, { localAddress })
  }

  /** Of TUNNEL_RESPONSE. */
  async function present(client: TestClient, token: Secret): Promise<number> {
    client.send(requests.handshake())
    await expectPacket(client, PacketType.handshakeResponse)
    client.send(requests.tunnel(token))
    const { body } = await expectPacket(client, PacketType.tunnelResponse)
    return decodeTunnelResponse(body).statusCode
  }

  /** What a fresh token gets at a node, past the balancer. */
  async function askNode(index: number, token?: Secret, address = '127.0.0.9'): Promise<number> {
    const client = await connect(address, 'websocket', farm.nodes[index]?.port ?? 0)
    try {
      return await present(client, token ?? (await farm.mint()))
    } finally {
      leave({ client })
    }
  }

  const json = async (path: string) =>
    JSON.parse((await farm.api('GET', path)).body.toString('utf8'))

  /** By client address: the node that its newest session is on. */
  async function nodes(): Promise<Map<string, string>> {
    const { items } = await json('/v1/sessions')
    return new Map(
      items.map((it: { clientAddress: string; node: string }) => [it.clientAddress, it.node]),
    )
  }

  testWithPrograms(
    ['haproxy'],
    'no live session is cut, new ones land on the other node, and all of it outlives restarts',
    async () => {
      const addresses = Array.from({ length: CLIENTS }, (_, index) => `127.0.1.${index + 1}`)
      const sessions: Session[] = []
      for (const [index, address] of addresses.entries()) {
        sessions.push(await open(address, KINDS[index % 2] ?? 'websocket'))
      }
      const before = await nodes()
      const onNode = (name: string) => sessions.filter((it) => before.get(it.address) === name)
      const [leaving, staying] = [onNode('gw1'), onNode('gw2')]
      for (const kind of KINDS) expect(leaving.map((it) => it.kind)).toContain(kind)
      expect(leaving.length + staying.length).toBe(CLIENTS)
      expect(staying).not.toHaveLength(0)

      const ordered = ['node', 'drain', 'gw1', '--wait', '2m', '--message', 'New cables.']
      const command = farm.cli(...ordered)
      await eventually('confirmed', async () => (await json('/v1/nodes/gw1')).drain?.confirmed)
      expect(await readiness(0)).toMatch(/^HTTP\/1\.1 503/)
      expect(await askNode(0)).toBe(DRAINING)
      expect(await askNode(1)).toBe(0)

      const again: Session[] = []
      for (const { address, kind } of leaving) {
        // Until HAProxy has noticed, it may still send a client to the node that drains.
        again.push(await eventually('a new session', () => open(address, kind)))
      }
      const after = await nodes()
      expect(again.map(({ address }) => after.get(address))).toEqual(again.map(() => 'gw2'))
      for (const session of sessions) await echo(session)
      const text = 'New cables. Your session ends in 2 minutes; open the console again to go on.'
      expect(leaving.map(({ shown }) => shown)).toEqual(leaving.map(() => [text]))
      expect(staying.map(({ shown }) => shown)).toEqual(staying.map(() => []))

      await farm.broker.kill()
      await farm.broker.start()
      await eventually('the node is back', async () => {
        const { drain, tunnels } = await json('/v1/nodes/gw1')
        return drain.confirmed && tunnels === leaving.length
      })
      for (const session of [...sessions, ...again]) await echo(session)

      leaving.forEach(leave)
      const { code, output } = await command
      expect(output).toContain('gw1 is drained')
      expect(code).toBe(0)
      for (const session of [...staying, ...again]) await echo(session)

      await farm.nodes[0]?.kill()
      const back = farm.nodes[0]?.start()
      expect(await eventually('the node serves', () => askNode(0))).toBe(DRAINING)
      expect((await farm.cli('node', 'drain', 'gw1', '--cancel')).code).toBe(0)
      await back
      await eventually('clients are back on the node', async () => {
        const { address } = leaving[0] ?? { address: '' }
        leave(await open(address, 'websocket'))
        return (await nodes()).get(address) === 'gw1'
      })
      expect((await json('/v1/nodes/gw1')).state).toBe('ready')
      opened.splice(0).forEach(leave)
    },
  )

  testWithPrograms(
    ['haproxy'],
    'what is left at the deadline ends with a reason, and its token opens the other node',
    async () => {
      const address = '127.0.2.1'
      const sessions = [
        await open(address, 'websocket', farm.nodes[1]?.port),
        await open('127.0.2.2', 'http', farm.nodes[1]?.port),
      ]
      const listed = (await json('/v1/sessions')).items.filter((it: { clientAddress: string }) =>
        it.clientAddress.startsWith('127.0.2.'),
      )
      const command = farm.cli('node', 'drain', 'gw2', '--wait', '12s', '--json')
      for (const { client } of sessions) {
        const shown = await expectPacket(client, PacketType.serviceMessage)
        expect(decodeServiceMessage(shown.body)).toMatch(/ends in \d+ seconds?;/)
        const { body } = await expectPacket(client, PacketType.closeChannel)
        expect(decodeClose(body)).toBe(0x8007_04d4)
      }
      const { code, output } = await command
      expect(output).toContain('2 sessions are open')
      expect(output).toContain('"done": true')
      expect(code).toBe(0)
      expect(listed).toHaveLength(2)
      for (const { id } of listed) {
        const { node, reason } = await eventually('its end', async () => {
          const session = await json(`/v1/sessions/${id}`)
          return session.reason !== undefined && session
        })
        expect({ node, reason }).toEqual({ node: 'gw2', reason: 'drained' })
      }
      const [session] = sessions
      expect(await askNode(0, session?.token, address)).toBe(0)
      await farm.cli('node', 'drain', 'gw2', '--cancel')
      await eventually('back', async () => (await askNode(1)) === 0)
    },
  )

  async function readiness(index: number): Promise<string> {
    const connection = await openConnection({ port: farm.nodes[index]?.port ?? 0, ca: farm.ca })
    connection.write('GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    return connection.readHead()
  }
})

/** Bytes go to the host and come back; what the user is shown meanwhile is kept. */
async function echo({ client, shown }: Session): Promise<void> {
  client.send(encodeData(FIRST_BYTES))
  for (;;) {
    const packet = await client.receive()
    if (packet?.type === PacketType.serviceMessage) shown.push(decodeServiceMessage(packet.body))
    else if (packet?.type !== PacketType.keepAlive) {
      expect(packet?.type).toBe(PacketType.data)
      expect(Buffer.from(decodeData(packet?.body ?? new Uint8Array()))).toEqual(
        Buffer.from(FIRST_BYTES),
      )
      return
    }
  }
}

function leave({ client }: Pick<Session, 'client'>): void {
  for (const { socket } of client.connections) socket.destroy()
}
