import { expect } from 'vitest'
import type { Secret } from '../../../src/lib/index.ts'
import {
  decodeChannelResponse,
  encodeConnectionRequest,
  type Packet,
  PacketType,
} from '../../../src/protocol/index.ts'
import {
  openHttpPair,
  openWebSocket,
  requests,
  type TestClient,
} from '../../helpers/packet-client.ts'
import type { TestNode } from './test-node.ts'

/** What every RDP client sends first. */
export const FIRST_BYTES = encodeConnectionRequest({
  negotiation: { flags: 0, requestedProtocols: 1 },
})

export type Kind = 'websocket' | 'http'
export const KINDS: Kind[] = ['websocket', 'http']

export function connectTo(node: TestNode, kind: Kind): Promise<TestClient> {
  return (kind === 'websocket' ? openWebSocket : openHttpPair)(node.port, node.ca)
}

export async function expectPacket(client: TestClient, type: PacketType): Promise<Packet> {
  const packet = await client.receive()
  expect(packet?.type).toBe(type)
  if (packet === undefined) throw new Error('no packet')
  return packet
}

/** Handshake, tunnel, authorization; every answer is expected to be there, not to be a yes. */
export async function openTunnel(client: TestClient, token: Secret): Promise<void> {
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(token))
  await expectPacket(client, PacketType.tunnelResponse)
  client.send(requests.authorization())
  await expectPacket(client, PacketType.tunnelAuthResponse)
}

/** All of set-up with a fresh token, up to a channel that is open. */
export async function openChannel(client: TestClient, node: TestNode, port: number): Promise<void> {
  await openTunnel(client, await node.mint(port))
  client.send(requests.channel(port))
  const response = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(response.body).errorCode).toBe(0)
}
