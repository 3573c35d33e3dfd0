import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import type { GatewayClaims } from '../../src/tokens/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { startUnanswering } from '../helpers/unanswering-target.ts'
import {
  CHANNEL_RESPONSE,
  CLOSE_CHANNEL_RESPONSE,
  channelCreate,
  packet,
  reach,
  refusal,
  u16,
  u32,
} from './client.ts'
import { openConsole } from './console.ts'
import { openWebSocket, openWire, WIRE_KINDS, type Wire, type WireKind } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8
const ACCESS_DENIED = 0x8007_59da
const CONNECT_FAILED = 0x8007_59dd

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

interface Authorized {
  on?: TestNode
  kind?: WireKind
  claims?: Partial<GatewayClaims>
}

/** A tunnel that may ask for its channel now. */
async function authorized(options: Authorized = {}): Promise<Wire> {
  const { on = node, kind = 'websocket', claims = {} } = options
  const wire = await openWire(kind, on)
  await reach(wire, 'authorized', { token: await on.mint(target.port, claims) })
  return wire
}

async function expectRefused(wire: Wire, request: Buffer, code: number): Promise<void> {
  wire.send(request)
  expect(await wire.receive()).toEqual(refusal.channel(code))
  await wire.expectEnd()
}

function name(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, 'utf16le')
  return Buffer.concat([u16(bytes.length), bytes])
}

interface RawRequest {
  numResources?: number
  numAltResources?: number
  protocol?: number
  names?: Buffer[]
}

/** CHANNEL_CREATE with counts and lengths that may lie, [MS-TSGU] 2.2.10.2. */
function rawCreate(request: RawRequest): Buffer {
  const { names = [name('127.0.0.1')], protocol = 3 } = request
  const { numResources = names.length, numAltResources = 0 } = request
  const counts = Buffer.of(numResources, numAltResources)
  return packet(0x08, counts, u16(target.port), u16(protocol), ...names)
}

test.each(WIRE_KINDS)(
  '54. one name: one connection, and twenty bytes of success (%s)',
  async (kind) => {
    const wire = await authorized({ kind })
    wire.send(rawCreate({}))
    expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
    await wire.expectSilence(50)
    expect(target.connections).toHaveLength(1)
  },
)

test('55. a name with its port is the same target', async () => {
  const wire = await authorized()
  wire.send(channelCreate(target.port, `127.0.0.1:${target.port}`))
  expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
  expect(target.connections).toHaveLength(1)
})

test.each([
  ['a port in the name against the field', () => channelCreate(target.port, '127.0.0.1:22')],
  ['another port', () => channelCreate(target.port - 1, '127.0.0.1')],
  ['another host', () => channelCreate(target.port, '127.0.0.2')],
])('55. %s is refused', async (_, request) => {
  await expectRefused(await authorized(), request(), ACCESS_DENIED)
  expect(target.connections).toHaveLength(0)
})

test('56. another protocol is refused', async () => {
  await expectRefused(await authorized(), rawCreate({ protocol: 2 }), ACCESS_DENIED)
  expect(target.connections).toHaveLength(0)
})

const one = (): Buffer => name('127.0.0.1')

test.each<[string, RawRequest]>([
  ['no name', { names: [] }],
  ['over fifty names', { names: Array.from({ length: 51 }, one) }],
  [
    'over three alternate names',
    { names: Array.from({ length: 5 }, one), numResources: 1, numAltResources: 4 },
  ],
  ['more names than the packet has', { numResources: 2 }],
  ['a name beyond the packet', { names: [Buffer.concat([u16(200), Buffer.from('127.0.0.1')])] }],
  ['a name of odd length', { names: [Buffer.concat([u16(3), Buffer.alloc(3, 'a')])] }],
])('56. %s is refused', async (_, request) => {
  await expectRefused(await authorized(), rawCreate(request), INTERNAL_ERROR)
  expect(target.connections).toHaveLength(0)
})

test('57. of three names only the authorized one is dialled', async () => {
  // The same port on another address of loopback: it would answer, were it dialled.
  const first = await startTarget(() => {}, { host: '127.0.0.2', port: target.port })
  const wire = await authorized()
  wire.send(channelCreate(target.port, '127.0.0.2', '127.0.0.1', '127.0.0.3'))
  expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
  expect(target.connections).toHaveLength(1)
  expect(first.connections).toHaveLength(0)
  first.close()
})

// What is dialled is the literal address that was checked: a name cannot change in between.
test.each(['localhost', '127.0.0.1', '169.254.169.254', '[::1]', '[::ffff:127.0.0.1]', '0.0.0.0'])(
  '58. %s is refused under the widest rules',
  async (host) => {
    const ports = [target.port]
    const allow = ['0.0.0.0/0', '::/0'].map((cidr) => ({ cidr, ports }))
    const wide = await startNode({ targets: { allow } })
    const wire = await authorized({ on: wide, claims: { dst: `${host}:${target.port}` } })
    await expectRefused(wire, channelCreate(target.port, host), ACCESS_DENIED)
    expect(target.connections).toHaveLength(0)
    await wide.gateway.close()
  },
)

test("58. the broker's address is refused unless a rule names just that one", async () => {
  const ports = [target.port]
  const dst = `127.0.0.1:${target.port}`
  for (const [cidr, admitted] of [
    ['127.0.0.0/8', false],
    ['127.0.0.1', true],
  ] as const) {
    const targets = { allow: [{ cidr, ports }], brokers: ['localhost'] }
    const led = await startNode({ targets })
    const wire = await authorized({ on: led, claims: { dst } })
    if (admitted) {
      wire.send(channelCreate(target.port))
      expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
    } else {
      await expectRefused(wire, channelCreate(target.port), ACCESS_DENIED)
    }
    expect(target.connections).toHaveLength(admitted ? 1 : 0)
    await led.gateway.close()
  }
})

test('59. a target that refuses: the connect error, at once', async () => {
  const wire = await authorized()
  target.close()
  await expectRefused(wire, channelCreate(target.port), CONNECT_FAILED)
})

test('59. a target that never answers: the connect error within the time-out', async () => {
  const silent = await startUnanswering()
  const brief = await startNode({ limits: { dialTimeoutMs: 300 } })
  const wire = await authorized({ on: brief, claims: { dst: `127.0.0.1:${silent.port}` } })
  const startedAt = performance.now()
  await expectRefused(wire, channelCreate(silent.port), CONNECT_FAILED)
  expect(performance.now() - startedAt).toBeGreaterThan(250)
  await brief.gateway.close()
  await silent.close()
})

test('59. a name that nobody knows: the connect error', async () => {
  const brief = await startNode({ limits: { dialTimeoutMs: 1_000 } })
  const wire = await authorized({ on: brief, claims: { dst: 'nowhere.invalid:3389' } })
  await expectRefused(wire, channelCreate(3389, 'nowhere.invalid'), CONNECT_FAILED)
  await brief.gateway.close()
})

test('60. a second channel is refused, and the first closed with the tunnel', async () => {
  const { wire, host } = await openConsole(node, target)
  wire.send(channelCreate(target.port))
  expect(await wire.receive()).toEqual(refusal.channel(INTERNAL_ERROR))
  expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
  await wire.expectEnd()
  await host.closed
  expect(target.connections).toHaveLength(1)
})

// The documented refusal of the two answers that the checklist allows: a tunnel has one channel in its
// life, since a token admits one console, and DESIGN section 5 closes the sockets after CLOSE_CHANNEL.
test('61. a channel after CLOSE_CHANNEL is not opened: the tunnel ends with the first', async () => {
  const { wire, host } = await openConsole(node, target)
  wire.send(Buffer.concat([packet(0x10, u32(0)), channelCreate(target.port)]))
  expect(await wire.receive()).toEqual(CLOSE_CHANNEL_RESPONSE)
  await wire.expectEnd()
  await host.closed
  expect(target.connections).toHaveLength(1)
})

test('61. CLOSE_CHANNEL before any channel is answered, and ends the tunnel', async () => {
  const wire = await openWebSocket(node)
  await reach(wire, 'authorized', { token: await node.mint(target.port) })
  wire.send(packet(0x10, u32(0)))
  expect(await wire.receive()).toEqual(CLOSE_CHANNEL_RESPONSE)
  await wire.expectEnd()
})
