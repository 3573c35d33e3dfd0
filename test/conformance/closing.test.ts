import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { type LogFields, withDeadline } from '../../src/lib/index.ts'
import { encodeConnectionConfirm } from '../../src/protocol/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { CLOSE_MS, type RawTls } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { CLOSE_CHANNEL_RESPONSE, packet, refusal, u32, X224_REQUEST } from './client.ts'
import { data, openChannel, openConsole } from './console.ts'
import { WIRE_KINDS, type Wire } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8

let node: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode()
})
beforeEach(async () => {
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => node.gateway.close())

test.each(WIRE_KINDS)(
  '70. a target that ends: all its bytes, then CLOSE_CHANNEL (%s)',
  async (kind) => {
    const { wire, host } = await openConsole(node, target, kind)
    const last = randomBytes(1_000_000)
    host.socket.end(last)
    const pieces: Buffer[] = []
    let next = await wire.receive()
    for (; next.readUInt16LE(0) === 0x0a; next = await wire.receive())
      pieces.push(next.subarray(10))
    expect(Buffer.concat(pieces).equals(last)).toBe(true)
    expect(next).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
  },
)

// The checklist has ERROR_BAD_ARGUMENTS, 0xA0. DESIGN section 5 sends E_PROXY_INTERNALERROR with the high bit:
// with a low word alone, FreeRDP 2 and 3 say nothing but "Network disconnect!".
test.each(WIRE_KINDS)('71. a target that resets: CLOSE_CHANNEL, then close (%s)', async (kind) => {
  const { wire, host } = await openConsole(node, target, kind)
  host.socket.resetAndDestroy()
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
})

test.each(WIRE_KINDS)('a target that says no and ends has refused (%s)', async (kind) => {
  const { wire, host } = await openConsole(node, target, kind)
  host.socket.end(encodeConnectionConfirm({ kind: 'failure', failureCode: 5 }))
  expect((await wire.receive()).readUInt16LE(0)).toBe(0x0a)
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
  await expectLogged('host-refused')
})

test('a client that leaves after the target has said no was refused as well', async () => {
  const { wire, host } = await openConsole(node, target)
  host.socket.write(encodeConnectionConfirm({ kind: 'failure', failureCode: 5 }))
  expect((await wire.receive()).readUInt16LE(0)).toBe(0x0a)
  wire.send(packet(0x10, u32(0)))
  expect(await wire.receive()).toEqual(CLOSE_CHANNEL_RESPONSE)
  await wire.expectEnd()
  await expectLogged('host-refused')
})

test('a target that says no and goes on has not refused', async () => {
  const { wire, host } = await openConsole(node, target)
  host.socket.write(encodeConnectionConfirm({ kind: 'failure', failureCode: 5 }))
  await wire.receive()
  host.socket.end('goes on')
  await wire.receive()
  await wire.receive()
  await wire.expectEnd()
  await expectLogged('host-closed')
})

/** The end of this test's session, which is the only one with its target. */
async function expectLogged(reason: string): Promise<LogFields> {
  const ended = await eventually(
    'session.closed',
    () => node.logged('session.closed').find(({ host }) => host === `127.0.0.1:${target.port}`),
    { timeoutMs: CLOSE_MS, intervalMs: 5 },
  )
  expect(ended).toMatchObject({ reason })
  return ended
}

test.each(WIRE_KINDS)('72. CLOSE_CHANNEL is answered, and the target closed (%s)', async (kind) => {
  const { wire, host } = await openConsole(node, target, kind)
  wire.send(packet(0x10, u32(0)))
  expect(await wire.receive()).toEqual(CLOSE_CHANNEL_RESPONSE)
  await wire.expectEnd()
  await withDeadline(host.closed, CLOSE_MS, 'close at the target')
})

const ends: Record<string, (connection: RawTls) => void> = {
  FIN: ({ socket }) => void socket.end(),
  RST: (connection) => connection.reset(),
}
type Side = 'in' | 'out'
const endings = Object.keys(ends).flatMap((how) => [
  { how, kind: 'websocket' as const, side: 'in' as const, what: 'the WebSocket' },
  { how, kind: 'http' as const, side: 'in' as const, what: 'IN' },
  { how, kind: 'http' as const, side: 'out' as const, what: 'OUT' },
])

test.each(endings)('73. $how of $what closes the target', async ({ how, kind, side }) => {
  const { wire, host } = await openConsole(node, target, kind)
  await expectClientClosed(wire, how, side)
  await withDeadline(host.closed, CLOSE_MS, 'close at the target')
  expect(host.received).toEqual(X224_REQUEST)
})

test.each(endings)('73. $how of $what in mid-packet closes the target', async (ending) => {
  const { wire, host } = await openConsole(node, target, ending.kind)
  wire.send(data(Buffer.from('never whole')).subarray(0, 15))
  await expectClientClosed(wire, ending.how, ending.side)
  await withDeadline(host.closed, CLOSE_MS, 'close at the target')
  expect(host.received).toEqual(X224_REQUEST)
})

/** Ends one connection; the log then has the session with its bytes, and no failure of ours. */
async function expectClientClosed(wire: Wire, how: string, side: Side): Promise<void> {
  ends[how]?.(wire[side])
  const { bytesIn, bytesOut } = await expectLogged('client-closed')
  expect({ bytesIn, bytesOut }).toEqual({ bytesIn: X224_REQUEST.length, bytesOut: 0 })
  expect(node.logged('tunnel.failed')).toEqual([])
}

test.each(['FIN', 'RST'])('73. %s in set-up leaves the node at work', async (how) => {
  const { wire } = await openChannel(node, target)
  ends[how]?.(wire.out)
  const second = await startTarget()
  await openConsole(node, second)
  second.close()
})
