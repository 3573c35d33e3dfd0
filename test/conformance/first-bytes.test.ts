import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { hex } from '../helpers/hex.ts'
import { RawTls } from '../helpers/raw-tls.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { HANDSHAKE, HANDSHAKE_RESPONSE, refusal, tunnelCreate, X224_REQUEST } from './client.ts'
import { data, openChannel } from './console.ts'
import { openWire, request, WIRE_KINDS } from './wire.ts'

const INTERNAL_ERROR = 0x8007_59d8

let node: TestNode
let target: ScriptedTarget

beforeAll(async () => {
  node = await startNode({ limits: { firstBytesTimeoutMs: 400 } })
  target = await startTarget()
})
afterAll(async () => {
  target.close()
  await node.gateway.close()
})

const VM = '6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70'

/** RDP_PRECONNECTION_PDU, [MS-RDPEPS] 2.2.1, whose sizes may lie. */
function blob(text: string, { version = 2, cbSize = 0, cchPCB = 0 } = {}): Buffer {
  const characters = Buffer.from(text, 'utf16le')
  const bytes = Buffer.alloc(18 + characters.length)
  bytes.writeUInt32LE(cbSize || bytes.length, 0)
  bytes.writeUInt32LE(version, 8)
  bytes.writeUInt16LE(cchPCB || text.length, 16)
  bytes.set(characters, 18)
  return bytes
}

describe.each(WIRE_KINDS)('over %s', (kind) => {
  // The token is for a host of kind rdp, which has no VMs to choose from: any blob is of another VM.
  test.each([
    ['naming a VM', blob(`${VM}\0`)],
    ['naming a VM in braces', blob(`{${VM}}\0`)],
    ['with an unknown key', blob(`${VM};Key=1\0`)],
    ['of version one', hex('10000000 00000000 01000000 00000000')],
    ['of seventeen bytes', blob(VM, { cbSize: 17 })],
    ['with more text than bytes', blob(VM, { cchPCB: 400 })],
  ])('78. a preconnection blob %s: CLOSE_CHANNEL, nothing forwarded', async (_, bytes) => {
    const { wire, host } = await openChannel(node, target, kind)
    wire.send(data(bytes))
    expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
    await host.closed
    expect(host.received).toHaveLength(0)
  })

  test.each([
    ['never come', []],
    ['never come whole', [X224_REQUEST.subarray(0, 5)]],
  ])('78. first bytes that %s: CLOSE_CHANNEL after the time limit', async (_, pieces) => {
    const { wire, host } = await openChannel(node, target, kind)
    for (const piece of pieces) wire.send(data(piece))
    expect(await wire.receive()).toEqual(refusal.close(INTERNAL_ERROR))
    await wire.expectEnd()
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
    wire.out.socket.destroy()
    wire.in.socket.destroy()
  })
})

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
