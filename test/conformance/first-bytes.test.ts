import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LogFields } from '../../src/lib/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { hex } from '../helpers/hex.ts'
import { blob } from '../helpers/preconnection.ts'
import { RawTls } from '../helpers/raw-tls.ts'
import {
  type ScriptedTarget,
  startTarget,
  type TargetConnection,
} from '../helpers/scripted-target.ts'
import { HANDSHAKE, HANDSHAKE_RESPONSE, refusal, tunnelCreate, X224_REQUEST } from './client.ts'
import { data, openChannel } from './console.ts'
import { openWire, request, WIRE_KINDS, type Wire } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8

/** Patient with first bytes that do not come, and not. */
let node: TestNode
let impatient: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode({ agents: 'plain' })
  impatient = await startNode({ agents: 'plain', limits: { firstBytesTimeoutMs: 400 } })
  target = await startTarget()
})
afterAll(async () => {
  target.close()
  await Promise.all([node.gateway.close(), impatient.gateway.close()])
})

const VM = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70'

const OTHER_VM = '0a1b2c3d-4e5f-4a6b-8c7d-9e0f1a2b3c4d'
const HOST_TOKEN = 'eyJhbGciOiJFUzI1NiJ9.eyJ2bSI6InZtMSJ9.c2lnbmF0dXJl'
/** The right text for each kind of host that has VMs to choose from. */
const TEXT = { hyperv: `${VM};EnhancedMode=1`, agent: `${VM};Token=${HOST_TOKEN}` } as const
const VM_KINDS = ['hyperv', 'agent'] as const

/** Bytes that a node puts in front: for an agent the PROXY header with the client's address. */
const FRONT = { hyperv: 0, agent: 28 } as const

/** All that a host may hear once the blob is through, whatever it looks like. */
const BEHIND = Buffer.concat([X224_REQUEST, blob(OTHER_VM)])

describe.each(WIRE_KINDS)('over %s', (kind) => {
  // The token is for a host of kind rdp, which has no VMs to choose from: any blob is of another VM.
  test.each([
    ['naming a VM', blob(VM)],
    ['naming a VM in braces', blob(`{${VM}}`)],
    ['with an unknown key', blob(`${VM};Key=1`)],
    ['of version one', hex('10000000 00000000 01000000 00000000')],
    ['of seventeen bytes', blob(VM, { cbSize: 17 })],
    ['with more text than bytes', blob(VM, { cchPCB: 400 })],
  ])('78. kind rdp, a blob %s: CLOSE_CHANNEL, nothing forwarded', async (_, bytes) => {
    const { wire, host } = await openChannel(node, target, kind)
    wire.send(data(bytes))
    expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
    await host.closed
    expect(host.received).toHaveLength(0)
  })

  for (const knd of VM_KINDS) {
    const claims = { knd, vmg: VM }
    const hear = async (host: TargetConnection, length: number): Promise<Buffer> =>
      (await host.receive(FRONT[knd] + length)).subarray(FRONT[knd])

    test.each([0, 1, 2])(
      `77. kind ${knd}, the token's VM with %d trailing NULs: forwarded unchanged, and all behind it`,
      async (terminators) => {
        const { wire, host } = await openChannel(node, target, kind, { claims })
        const bytes = blob(TEXT[knd], { terminators })
        wire.send(data(bytes))
        expect(await hear(host, bytes.length)).toEqual(bytes)
        wire.send(data(BEHIND))
        const all = Buffer.concat([bytes, BEHIND])
        expect(await hear(host, all.length)).toEqual(all)
        leave(wire)
      },
    )

    test(`77. kind ${knd}, one byte in each packet, GUID in upper case: forwarded unchanged`, async () => {
      const { wire, host } = await openChannel(node, target, kind, { claims })
      const bytes = blob(TEXT[knd].replace(VM, VM.toUpperCase()))
      for (const byte of bytes.subarray(0, -1)) wire.send(data(Buffer.of(byte)))
      await wire.expectSilence(50)
      expect(await host.receive(FRONT[knd])).toHaveLength(FRONT[knd])
      wire.send(data(Buffer.concat([bytes.subarray(-1), X224_REQUEST])))
      const all = Buffer.concat([bytes, X224_REQUEST])
      expect(await hear(host, all.length)).toEqual(all)
      leave(wire)
    })

    test.each([
      ['a blob of another VM', blob(TEXT[knd].replace(VM, OTHER_VM))],
      ['braces around the GUID', blob(TEXT[knd].replace(VM, `{${VM}}`))],
      ['a blob of version one', hex('10000000 00000000 01000000 00000000')],
      ['a blob of seventeen bytes', blob(TEXT[knd], { cbSize: 17 })],
      ['more text than bytes', blob(TEXT[knd], { cchPCB: 1_000 })],
      ['bytes behind the text', blob(`${TEXT[knd]}\0more`, { cchPCB: TEXT[knd].length + 1 })],
      ['three trailing NULs', blob(TEXT[knd], { terminators: 3 })],
      ['an unknown key', blob(`${TEXT[knd]};Key=1`)],
      ['the text of the other kind', blob(TEXT[knd === 'agent' ? 'hyperv' : 'agent'])],
      ['a blob over 4,096 bytes, by its size alone', hex('02100000')],
      ['no blob, but X.224', X224_REQUEST],
      ['no blob, but TLS', hex('16030100f8010000f40303')],
    ])(`78. kind ${knd}, %s: CLOSE_CHANNEL, nothing forwarded`, async (_, bytes) => {
      const before = mismatches().length
      const { wire, host } = await openChannel(node, target, kind, { claims })
      wire.send(data(bytes))
      expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
      await wire.expectEnd()
      await host.closed
      expect(host.received).toHaveLength(FRONT[knd])
      await eventually('its end', () => mismatches().length > before)
      expect(mismatches().slice(before)).toMatchObject([{ bytesIn: 0 }])
      expect(JSON.stringify(node.log)).not.toContain(HOST_TOKEN)
    })

    test.each([
      ['silence', []],
      ['half a blob', [blob(TEXT[knd]).subarray(0, 40)]],
    ])(
      `78. kind ${knd}, %s: CLOSE_CHANNEL after the time limit, nothing forwarded`,
      async (_, pieces) => {
        const { wire, host } = await openChannel(impatient, target, kind, { claims })
        for (const piece of pieces) wire.send(data(piece))
        expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
        await wire.expectEnd()
        await host.closed
        expect(host.received).toHaveLength(FRONT[knd])
      },
    )
  }

  test.each([
    ['never come', []],
    ['never come whole', [X224_REQUEST.subarray(0, 5)]],
  ])('78. kind rdp, first bytes that %s: CLOSE_CHANNEL after the time limit', async (_, pieces) => {
    const { wire, host } = await openChannel(impatient, target, kind)
    for (const piece of pieces) wire.send(data(piece))
    expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
    await host.closed
    expect(host.received).toHaveLength(0)
  })

  test.each([
    ['TLS at once', hex('16030100f8010000f40303')],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n\r\n')],
    ['SSH', Buffer.from('SSH-2.0-OpenSSH_9.2\r\n')],
    ['an X.224 data unit', hex('0300000702f080')],
    ['zeros', Buffer.alloc(32)],
  ])('79. first bytes that are no RDP, %s: CLOSE_CHANNEL, nothing forwarded', async (_, bytes) => {
    const { wire, host } = await openChannel(node, target, kind)
    wire.send(data(bytes))
    expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
    await host.closed
    expect(host.received).toHaveLength(0)
  })

  test('79. RDP one byte in each packet is forwarded whole', async () => {
    const { wire, host } = await openChannel(node, target, kind)
    for (const byte of X224_REQUEST) wire.send(data(Buffer.of(byte)))
    expect(await host.receive(X224_REQUEST.length)).toEqual(X224_REQUEST)
    leave(wire)
  })
})

/** Sessions that ended since the client asked for another VM, or for none. */
function mismatches(): LogFields[] {
  return node.logged('session.closed').filter(({ reason }) => reason === 'vm-mismatch')
}

function leave(wire: Wire): void {
  wire.out.socket.destroy()
  wire.in.socket.destroy()
}

test('80. cookie, user name and Authorization are in no log line and no error page', async () => {
  const token = await node.mint(target.port)
  const { wire, host } = await openChannel(node, target)
  wire.send(data(X224_REQUEST))
  await host.receive(X224_REQUEST.length)
  wire.out.socket.destroy()

  // The same token, refused by a node of another farm.
  const other = await startNode()
  const refused = await openWire('http', other)
  refused.send(HANDSHAKE)
  expect(await refused.receive()).toEqual(HANDSHAKE_RESPONSE)
  refused.send(tunnelCreate(token))
  expect(await refused.receive()).toEqual(refusal.tunnel(0x8007_59f8))

  const raw = await RawTls.open(other)
  const password = 'Basic c2VjcmV0LXVzZXI6c2VjcmV0LXBhc3N3b3Jk'
  raw.write(request('POST', ['Authorization', password], ['Cookie', 'session=crumbs']))
  const page = (await raw.readToEnd()).toString('latin1')
  expect(page).toMatch(/^HTTP\/1\.1 405 /)
  await other.gateway.close()

  const shown = `${JSON.stringify([...node.log, ...other.log])}${page}`
  expect(other.logged('token.refused')).toHaveLength(1)
  for (const part of token.reveal().split('.')) expect(shown).not.toContain(part)
  // The request of these tests carries `mstshash=alice`.
  for (const secret of ['mstshash', 'alice', password.slice(6), 'crumbs']) {
    expect(shown).not.toContain(secret)
  }
})
