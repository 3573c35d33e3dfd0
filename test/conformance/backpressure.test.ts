import { createHash, randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { withDeadline } from '../../src/lib/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { CLOSE_MS } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { X224_REQUEST } from './client.ts'
import { data, openConsole } from './console.ts'
import { WIRE_KINDS, type Wire } from './wire.ts'

/** Line 64 names this size. */
const TRANSFER_BYTES = 100_000_000
/** Against a peer that stops reading: more than the cap, so that a node without one is found out. */
const FLOOD_BYTES = 48_000_000
/** The kernel holds some megabytes at each of the two hops. */
const CAP_BYTES = 32_000_000
const STALL_MS = 300
const SLOW_PEER_MS = 500
/** A stalled side is noticed after one to two periods; then the sockets close. */
const NOTICED_MS = 2 * SLOW_PEER_MS + CLOSE_MS
const BLOCK = randomBytes(1_000_000)

/** Patient with slow peers, and not. */
let node: TestNode
let impatient: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode()
  impatient = await startNode({ limits: { slowPeerTimeoutMs: SLOW_PEER_MS } })
})
beforeEach(async () => {
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => Promise.all([node.gateway.close(), impatient.gateway.close()]))

interface Sink {
  socket: Socket
  write(piece: Buffer): void
}

/** The client's end: each piece becomes one DATA packet. */
function clientSink(wire: Wire): Sink {
  return { socket: wire.in.socket, write: (piece) => wire.send(data(piece)) }
}

function hostSink(socket: Socket): Sink {
  return { socket, write: (piece) => void socket.write(piece) }
}

/** Writes random bytes in pieces of 1 to 65,535 as fast as they are taken. @returns their SHA-256 */
async function flood({ socket, write }: Sink, total = FLOOD_BYTES): Promise<string> {
  const hash = createHash('sha256')
  for (let left = total; left > 0; ) {
    const length = Math.min(left, randomInt(1, 0x1_0000))
    const offset = randomInt(BLOCK.length - length)
    const piece = BLOCK.subarray(offset, offset + length)
    hash.update(piece)
    left -= length
    write(piece)
    if (socket.writableNeedDrain) await once(socket, 'drain')
  }
  return hash.digest('hex')
}

/** Reads DATA until the whole flood has come. @returns its SHA-256 */
async function takeAtClient(wire: Wire, total = FLOOD_BYTES): Promise<string> {
  const hash = createHash('sha256')
  for (let bytes = 0; bytes < total; ) {
    const packet = await wire.receive()
    const cbDataLen = packet.readUInt16LE(8)
    if (packet.readUInt16LE(0) !== 0x0a || cbDataLen < 1 || packet.length !== 10 + cbDataLen) {
      throw new Error(`no DATA of its own length: ${packet.toString('hex', 0, 10)}`)
    }
    hash.update(packet.subarray(10))
    bytes += cbDataLen
  }
  return hash.digest('hex')
}

/** The same at the host, which keeps none of it. */
function takeAtHost(socket: Socket, total = FLOOD_BYTES): Promise<string> {
  const hash = createHash('sha256')
  let bytes = 0
  return new Promise((resolve) => {
    socket.removeAllListeners('data').on('data', (piece: Buffer) => {
      hash.update(piece)
      bytes += piece.length
      if (bytes >= total) resolve(hash.digest('hex'))
    })
  })
}

/** Waits until a flood stalls, or is over. @returns the bytes of it that have left the sender */
async function stalled({ socket }: Sink): Promise<number> {
  const sent = (): number => socket.bytesWritten - socket.writableLength
  for (;;) {
    const before = sent()
    await sleep(STALL_MS)
    if (sent() === before) return before
  }
}

test.each(WIRE_KINDS)(
  '64. a hundred megabytes each way arrive unchanged (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(node, target, kind)
    const [atHost, fromClient, atClient, fromHost] = await Promise.all([
      takeAtHost(host.socket, TRANSFER_BYTES),
      flood(clientSink(wire), TRANSFER_BYTES),
      takeAtClient(wire, TRANSFER_BYTES),
      flood(hostSink(host.socket), TRANSFER_BYTES),
    ])
    expect({ atHost, atClient }).toEqual({ atHost: fromClient, atClient: fromHost })
  },
  120_000,
)

test.each(WIRE_KINDS)(
  '65. a client that stops reading pauses the host, and resumes (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(node, target, kind)
    wire.out.socket.pause()
    const sink = hostSink(host.socket)
    const sent = flood(sink)
    expect(await stalled(sink)).toBeLessThan(CAP_BYTES)
    wire.out.socket.resume()
    expect(await takeAtClient(wire)).toBe(await sent)
  },
)

test.each(WIRE_KINDS)(
  '65. a client that reads no more is closed by the limit (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(impatient, target, kind)
    const before = impatient.logged('session.closed').length
    wire.out.socket.pause()
    flood(hostSink(host.socket)).catch(() => {})
    await withDeadline(host.closed, NOTICED_MS, 'close at the host')
    const end = await eventually('its end', () => impatient.logged('session.closed')[before])
    expect(end).toMatchObject({ reason: 'slow-peer' })
  },
)

test.each(WIRE_KINDS)(
  '66. a host that stops reading pauses that client alone (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(node, target, kind)
    host.socket.pause()
    const sink = clientSink(wire)
    const sent = flood(sink)
    expect(await stalled(sink)).toBeLessThan(CAP_BYTES)

    const other = await openConsole(node, target, kind)
    other.host.socket.write('still here')
    expect(await other.wire.receive()).toEqual(data(Buffer.from('still here')))

    const received = takeAtHost(host.socket)
    host.socket.resume()
    expect(await received).toBe(await sent)
  },
)

test.each(WIRE_KINDS)(
  '66. a reset while the client is paused is noticed by the timer (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(impatient, target, kind)
    const closed = impatient.logged('session.closed').length
    host.socket.pause()
    const sink = clientSink(wire)
    flood(sink).catch(() => {})
    await stalled(sink)
    wire.in.reset()
    await eventually('the end', () => impatient.logged('session.closed').length > closed, {
      timeoutMs: NOTICED_MS,
      intervalMs: 10,
    })
    host.socket.resume()
    await withDeadline(host.closed, NOTICED_MS, 'close at the host')
    expect(host.received.subarray(0, X224_REQUEST.length)).toEqual(X224_REQUEST)
  },
)
