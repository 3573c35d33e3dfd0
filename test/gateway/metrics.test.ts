import { afterEach, expect, test } from 'vitest'
import { createGatewayMetrics } from '../../src/gateway/index.ts'
import { Metrics, REASONS, systemClock } from '../../src/lib/index.ts'
import { encodeData, PacketType } from '../../src/protocol/index.ts'
import { eventually } from '../helpers/eventually.ts'
import { requests } from '../helpers/packet-client.ts'
import { connectTo, expectPacket, FIRST_BYTES, KINDS, openChannel } from './support/conversation.ts'
import { startHost } from './support/scripted-host.ts'
import { startNode } from './support/test-node.ts'

const DIRECTIONS = ['in', 'out']
/** More than the kernel holds for two sockets of one machine. */
const FLOOD_BYTES = 24_000_000

const toClose: (() => unknown)[] = []

afterEach(async () => {
  await Promise.all(toClose.splice(0).map((close) => close()))
})

async function start() {
  const metrics = new Metrics()
  const { observer, watch } = createGatewayMetrics(metrics, systemClock)
  const node = await startNode({ observer, limits: { closeTimeoutMs: 300 } })
  watch(node.gateway)
  const host = await startHost()
  toClose.push(() => node.gateway.close(), host.close)
  const scrape = async (): Promise<Map<string, number>> => {
    const lines = (await metrics.render()).split('\n').filter((line) => /^portcullis/.test(line))
    return new Map(lines.map((line) => [line.replace(/ \S+$/, ''), Number(line.split(' ').at(-1))]))
  }
  return { node, host, scrape }
}

test('a refusal and a session show up, while it lives and after', async () => {
  const { node, host, scrape } = await start()
  const refused = await connectTo(node, 'websocket')
  refused.send(requests.handshake())
  await expectPacket(refused, PacketType.handshakeResponse)
  refused.send(requests.tunnel(await node.mint(host.port, { aud: 'another' })))
  await expectPacket(refused, PacketType.tunnelResponse)
  await refused.receive()

  const client = await connectTo(node, 'http')
  await openChannel(client, node, host.port)
  client.send(encodeData(FIRST_BYTES))
  await eventually('bytes', () => host.received().equals(FIRST_BYTES), { intervalMs: 5 })
  const live = await scrape()
  expect(live.get('portcullis_refusals_total{reason="audience-mismatch"}')).toBe(1)
  expect(live.get('portcullis_tunnels{transport="http"}')).toBe(1)
  expect(live.get('portcullis_tunnels{transport="websocket"}')).toBe(0)
  expect(live.get('portcullis_bytes_in_total')).toBe(FIRST_BYTES.length)
  expect(live.get('portcullis_half_open')).toBe(0)
  expect(live.get('portcullis_setup_step_seconds_count{step="handshake"}')).toBe(2)
  for (const step of ['tunnel', 'authorization', 'channel']) {
    expect(live.get(`portcullis_setup_step_seconds_count{step="${step}"}`)).toBe(1)
  }

  for (const { socket } of client.connections) socket.destroy()
  await eventually('end', () => node.logged('session.closed').length === 1, { intervalMs: 5 })
  const after = await scrape()
  expect(after.get('portcullis_tunnels{transport="http"}')).toBe(0)
  expect(after.get('portcullis_tunnels_opened_total{transport="http"}')).toBe(1)
  expect(after.get('portcullis_tunnels_ended_total{reason="client-closed"}')).toBe(1)
  expect(after.get('portcullis_bytes_in_total')).toBe(FIRST_BYTES.length)
})

test.for(KINDS)('bytes that wait for a slow side show up until it takes them: %s', async (kind) => {
  const { node, host, scrape } = await start()
  const queued = async (): Promise<(number | undefined)[]> => {
    const figures = await scrape()
    return DIRECTIONS.map((way) => figures.get(`portcullis_queued_bytes{direction="${way}"}`))
  }
  expect(await queued()).toEqual([0, 0])
  const client = await connectTo(node, kind)
  await openChannel(client, node, host.port)
  client.send(encodeData(FIRST_BYTES))
  const atHost = await host.connection()
  await eventually('first bytes', () => host.received().length > 0, { intervalMs: 5 })

  atHost.pause()
  const piece = encodeData(new Uint8Array(60_000))
  for (let sent = 0; sent < FLOOD_BYTES; sent += piece.length) client.send(piece)
  await eventually('queue to the host', async () => Number((await queued())[0]) > 0)
  expect((await queued())[1]).toBe(0)
  atHost.resume()
  await eventually('no queue', async () => (await queued()).every((bytes) => bytes === 0))

  for (const { socket } of client.connections) socket.pause()
  atHost.write(Buffer.alloc(FLOOD_BYTES))
  await eventually('queue to the client', async () => Number((await queued())[1]) > 0)
  expect((await queued())[0]).toBe(0)
  for (const { socket } of client.connections) socket.destroy()
  await eventually('no queue', async () => (await queued()).every((bytes) => bytes === 0))
})

test('every reason is there at 0, traffic makes no new series, and no label names a person', async () => {
  const { node, host, scrape } = await start()
  const before = await scrape()
  for (const reason of REASONS) {
    expect(before.get(`portcullis_refusals_total{reason="${reason}"}`)).toBe(0)
  }
  const client = await connectTo(node, 'websocket')
  await openChannel(client, node, host.port)
  const after = await scrape()
  expect([...after.keys()]).toEqual([...before.keys()])
  expect([...after.keys()].join()).not.toMatch(/user1|tenant1|vm1|127\.0\.0\.1/)
  expect([...after.keys()].filter((name) => name.includes('"issuer:'))).toHaveLength(1)
})
