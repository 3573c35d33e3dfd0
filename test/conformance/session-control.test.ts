import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { RedeemAnswer } from '../../src/control/index.ts'
import { withDeadline } from '../../src/lib/index.ts'
import { type ControlledNode, startControlledNode } from '../gateway/support/controlled-node.ts'
import { startNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { CLOSE_MS } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import {
  CHANNEL_RESPONSE,
  channelCreate,
  HANDSHAKE,
  packet,
  reach,
  refusal,
  TUNNEL_AUTH,
  tunnelCreate,
  u16,
  u32,
} from './client.ts'
import { data, openChannel, openConsole } from './console.ts'
import { openWire, WIRE_KINDS, type Wire } from './wire.ts'

const CONNECTION_ABORTED = 0x8007_04d4
const ACCESS_DENIED = 0x8007_59f8
const KEEP_ALIVE_MS = 30
const EVERYTHING = 0x3f
const CONSENT = 0x04
const MESSAGES = 0x08
const REAUTHENTICATION = 0x10

const TEXT = 'Wartung um zehn: bitte speichern.\n\u{1f6e0}'
const CONSENT_TEXT = 'Authorized use only.\nSessions are recorded.'
const OWN_TEXT = 'The own text of this node.'

let controlled: ControlledNode
let answer: RedeemAnswer
let target: ScriptedTarget

beforeAll(async () => {
  controlled = await startControlledNode({ answer: async () => answer })
  controlled.giveTrust()
})
beforeEach(async () => {
  answer = { ok: true }
  target = await startTarget()
})
afterEach(() => target.close())
afterAll(() => controlled.node.gateway.close())

/** TUNNEL_RESPONSE to a client that offers these capabilities. */
async function create(wire: Wire, node = controlled.node, offered = EVERYTHING): Promise<Buffer> {
  wire.send(HANDSHAKE)
  await wire.receive()
  wire.send(tunnelCreate(await node.mint(target.port), offered))
  return wire.receive()
}

/** As the wire carries text: its bytes are counted, the NUL at its end among them. */
function counted(text: string): Buffer {
  const bytes = Buffer.from(`${text}\0`, 'utf16le')
  return Buffer.concat([u16(bytes.length), bytes])
}

function message(text: string): void {
  controlled.handlers.message({ type: 'message', by: { vm: 'vm1' }, text })
}

describe.each(WIRE_KINDS)('over %s', (kind) => {
  test('49. the text of the broker stands behind the capabilities, its NUL counted', async () => {
    answer = { ok: true, consentText: CONSENT_TEXT }
    const response = await create(await openWire(kind, controlled.node))
    const text = counted(CONSENT_TEXT)
    expect(response.readUInt32LE(4)).toBe(26 + text.length)
    // serverVersion 0, statusCode 0, tunnelId, capsFlags and consentMsg present, reserved 0.
    expect(response.subarray(8, 18).toString('hex')).toBe('00000000000013000000')
    expect(response.subarray(26)).toEqual(text)
  })

  test('49. a client that has not announced it gets no text, and goes on', async () => {
    answer = { ok: true, consentText: CONSENT_TEXT }
    const wire = await openWire(kind, controlled.node)
    const response = await create(wire, controlled.node, EVERYTHING & ~CONSENT)
    expect(response).toHaveLength(26)
    expect(response.readUInt16LE(14)).toBe(0x3)
    wire.send(TUNNEL_AUTH)
    wire.send(channelCreate(target.port))
    await wire.receive()
    expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
    expect(controlled.node.logged('consent.not-asked')).not.toEqual([])
  })

  test('49. without any text none is sent', async () => {
    expect(await create(await openWire(kind, controlled.node))).toHaveLength(26)
  })

  test("49. the node's own text stands where the broker has none", async () => {
    const other = await startControlledNode({
      gateway: { consentText: OWN_TEXT },
      answer: async () => answer,
    })
    other.giveTrust()
    const own = await create(await openWire(kind, other.node), other.node)
    expect(own.subarray(26)).toEqual(counted(OWN_TEXT))
    answer = { ok: true, consentText: CONSENT_TEXT }
    const brokers = await create(await openWire(kind, other.node), other.node)
    expect(brokers.subarray(26)).toEqual(counted(CONSENT_TEXT))
    await other.node.gateway.close()
  })

  test('49. a refusal carries no text', async () => {
    answer = { ok: false, reason: 'token-replayed' }
    expect(await create(await openWire(kind, controlled.node))).toEqual(
      refusal.tunnel(ACCESS_DENIED),
    )
  })

  test('53. a message before CHANNEL_RESPONSE is sent neither then nor later', async () => {
    const wire = await openWire(kind, controlled.node)
    await reach(wire, 'authorized', { token: await controlled.node.mint(target.port) })
    message(TEXT)
    wire.send(channelCreate(target.port))
    expect(await wire.receive()).toEqual(CHANNEL_RESPONSE)
    await wire.expectSilence(50)
  })

  test('a message to an open channel is one SERVICE_MESSAGE, its NUL counted', async () => {
    const { wire, host } = await openConsole(controlled.node, target, kind, {
      capsFlags: MESSAGES,
    })
    message(TEXT)
    expect(await wire.receive()).toEqual(packet(0x0b, counted(TEXT)))
    host.socket.write('goes on')
    expect(await wire.receive()).toEqual(data(Buffer.from('goes on')))
  })

  test('a client that has not announced it gets no message', async () => {
    const { wire, host } = await openConsole(controlled.node, target, kind, {
      capsFlags: EVERYTHING & ~MESSAGES,
    })
    message(TEXT)
    host.socket.write('goes on')
    expect(await wire.receive()).toEqual(data(Buffer.from('goes on')))
  })

  // The checklist has 0x4D4; DESIGN section 5 sets the high bit, since FreeRDP says nothing but "Network
  // disconnect!" to a low word alone.
  test('74. an administrator ends the session: CLOSE_CHANNEL, answered by type 0x11, then close', async () => {
    const { node, handlers, releases } = controlled
    const { wire, host } = await openConsole(node, target, kind)
    const tunnel = handlers.tunnels().at(-1)?.tunnel ?? ''
    handlers.kill({ type: 'kill', by: { tunnel }, reason: 'killed' })
    expect(await wire.receive()).toEqual(refusal.close(CONNECTION_ABORTED))
    // A message that comes too late must not come behind CLOSE_CHANNEL.
    message(TEXT)
    wire.send(packet(0x11, u32(0)))
    await wire.expectEnd()
    await withDeadline(host.closed, CLOSE_MS, 'close at the target')
    const released = await eventually('release', () => releases.find(([id]) => id === tunnel))
    expect(released).toEqual([tunnel, 'killed'])
  })

  test('74. a node that stops ends its sessions in the same way', async () => {
    const stopping = await startNode()
    const { wire, host } = await openConsole(stopping, target, kind)
    const stopped = stopping.gateway.close()
    expect(await wire.receive()).toEqual(refusal.close(CONNECTION_ABORTED))
    wire.send(packet(0x11, u32(0)))
    await wire.expectEnd()
    await withDeadline(host.closed, CLOSE_MS, 'close at the target')
    await stopped
  })

  test('76. whatever a client offers, it is neither granted nor asked for reauthentication', async () => {
    const { node, handlers } = await startControlledNode({
      gateway: { limits: { keepAliveMs: KEEP_ALIVE_MS, closeTimeoutMs: 300 } },
    })
    handlers.applyTrust({ version: 1, asOf: 0, issuers: [node.trustedIssuer] })
    const response = await create(await openWire(kind, node), node)
    expect(response.readUInt32LE(22) & REAUTHENTICATION).toBe(0)
    for (const capsFlags of [0, REAUTHENTICATION, EVERYTHING]) {
      const { wire, host } = await openChannel(node, target, kind, { capsFlags })
      handlers.message({ type: 'message', by: { vm: 'vm1' }, text: TEXT })
      const types: number[] = []
      while (types.filter((type) => type === 0x0d).length < 3) {
        types.push((await wire.receive()).readUInt16LE(0))
      }
      // All that a server says unasked to an open channel: KEEPALIVE and messages.
      expect([...new Set(types)].sort()).toEqual((capsFlags & MESSAGES) === 0 ? [13] : [11, 13])
      wire.out.reset()
      await host.closed
    }
    await node.gateway.close()
  })
})
