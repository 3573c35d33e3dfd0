import { afterEach, expect, test } from 'vitest'
import type { Limits } from '../../../src/gateway/index.ts'
import {
  decodeClose,
  decodeData,
  decodeServiceMessage,
  encodeData,
  PacketType,
  Status,
} from '../../../src/protocol/index.ts'
import { startControlledNode } from '../../gateway/support/controlled-node.ts'
import {
  connectTo,
  expectPacket,
  FIRST_BYTES,
  KINDS,
  type Kind,
  openChannel,
} from '../../gateway/support/conversation.ts'
import {
  expectRefusal,
  type Limited,
  PROMPT_MS,
  startLimited,
} from '../../gateway/support/limited-node.ts'
import { eventually } from '../../helpers/eventually.ts'
import type { TestClient } from '../../helpers/packet-client.ts'

let limited: Limited

afterEach(() => limited.close())

async function open(kind: Kind, limits: Partial<Limits>): Promise<TestClient> {
  limited = await startLimited(limits)
  const client = await limited.connect(kind)
  await openChannel(client, limited.node, limited.host.port)
  return client
}

/** The one session has ended for this reason. */
async function expectClosed(reason: string): Promise<void> {
  const lines = await eventually('end', () => {
    const closed = limited.node.logged('session.closed')
    return closed.length > 0 && closed
  })
  expect(lines).toMatchObject([{ reason }])
}

test.each(KINDS)('first bytes that do not come in time: CLOSE_CHANNEL, over %s', async (kind) => {
  const client = await open(kind, { firstBytesTimeoutMs: 300 })
  // The beginning of a request, and no more of it.
  client.send(encodeData(FIRST_BYTES.subarray(0, 3)))
  const { closeChannel } = PacketType
  await expectRefusal(client, closeChannel, decodeClose, Status.internalError, 300)
  await expectClosed('set-up-timeout')
  expect(limited.host.received()).toHaveLength(0)
  await limited.expectNothingLeft()
})

test.each(KINDS)('more bytes than may wait for a host: the end at once, over %s', async (kind) => {
  const client = await open(kind, { maxQueuedBytes: 4_096 })
  const host = await limited.host.connection()
  host.pause()
  client.send(encodeData(FIRST_BYTES))
  const startedAtMs = performance.now()
  // The kernel's own buffers take the first few megabytes.
  for (let packet = 0; packet < 400; packet += 1) client.send(encodeData(Buffer.alloc(60_000)))
  const close = await expectPacket(client, PacketType.closeChannel)
  expect(decodeClose(close.body)).toBe(Status.internalError)
  expect(performance.now() - startedAtMs).toBeLessThan(2 * PROMPT_MS)
  await expectClosed('slow-peer')
  host.resume()
  await limited.expectNothingLeft()
})

test.each(KINDS)('a client that takes nothing, over %s', async (kind) => {
  const client = await open(kind, { slowPeerTimeoutMs: 300 })
  const host = await limited.host.connection()
  client.send(encodeData(FIRST_BYTES))
  for (const { socket } of client.connections) socket.pause()
  host.write(Buffer.alloc(64 * 1024 * 1024))
  await expectClosed('slow-peer')
  await limited.expectNothingLeft()
})

test.each(KINDS)('a host that takes nothing: CLOSE_CHANNEL, over %s', async (kind) => {
  const client = await open(kind, { slowPeerTimeoutMs: 300 })
  const host = await limited.host.connection()
  host.pause()
  client.send(encodeData(FIRST_BYTES))
  for (let packet = 0; packet < 400; packet += 1) client.send(encodeData(Buffer.alloc(60_000)))
  const close = await expectPacket(client, PacketType.closeChannel)
  expect(decodeClose(close.body)).toBe(Status.internalError)
  await expectClosed('slow-peer')
  // It is there and sees its end once it reads on.
  host.resume()
  await limited.expectNothingLeft()
})

test.each(KINDS)('a message to a client that takes nothing is left out, over %s', async (kind) => {
  limited = await startLimited({})
  const { node, handlers, giveTrust } = await startControlledNode({
    gateway: { limits: { maxMessageBacklogBytes: 1_024 } },
    answer: async () => ({ ok: true }),
  })
  giveTrust()
  const say = (text: string): void => {
    handlers.message({ type: 'message', by: { vm: 'vm1' }, text })
  }
  const client = await connectTo(node, kind)
  await openChannel(client, node, limited.host.port)
  client.send(encodeData(FIRST_BYTES))
  for (const { socket } of client.connections) socket.pause()
  const host = await limited.host.connection()
  const flood = 16 * 1024 * 1024
  host.write(Buffer.alloc(flood))
  await eventually('backlog', () => node.gateway.figures().queued.out > 1_024)
  say('left out')
  for (const { socket } of client.connections) socket.resume()
  for (let bytes = 0; bytes < flood; ) {
    bytes += decodeData((await expectPacket(client, PacketType.data)).body).length
  }
  say('taken')
  const { body } = await expectPacket(client, PacketType.serviceMessage)
  expect(decodeServiceMessage(body)).toBe('taken')
  await node.gateway.close()
  for (const { socket } of client.connections) socket.destroy()
})
