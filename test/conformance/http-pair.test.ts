import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withDeadline } from '../../src/lib/index.ts'
import { encodeChunk } from '../../src/protocol/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { eventually } from '../helpers/eventually.ts'
import { CLOSE_MS, RawTls } from '../helpers/raw-tls.ts'
import { startTarget } from '../helpers/scripted-target.ts'
import { HANDSHAKE, HANDSHAKE_RESPONSE, reach, TUNNEL_AUTH, tunnelCreate } from './client.ts'
import { guid, httpWire, openHttpPair, openOut, request, type Wire } from './wire.ts'

const NO_BODY = ['Content-Length', '0'] as const
const CHUNKED = ['Transfer-Encoding', 'chunked'] as const

let node: TestNode

beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node.gateway.close())

function idField(id: string): readonly [string, string] {
  return ['RDG-Connection-Id', id]
}

/** Both requests of IN, as one run of bytes. */
function inHeads(id: string): Buffer {
  return Buffer.concat([
    request('RDG_IN_DATA', idField(id), NO_BODY),
    request('RDG_IN_DATA', idField(id), CHUNKED),
  ])
}

/** An answered IN on a new connection. */
async function openIn(id: string): Promise<RawTls> {
  const into = await RawTls.open(node)
  into.write(inHeads(id))
  expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
  return into
}

async function expectHandshake(wire: Wire): Promise<void> {
  wire.send(HANDSHAKE)
  expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)
}

describe('the requests of IN', () => {
  test('9. the first is answered 200 without a body, and the connection stays open', async () => {
    const id = guid()
    const out = await openOut(node, id)
    const into = await RawTls.open(node)
    into.write(request('RDG_IN_DATA', idField(id), NO_BODY))
    expect(await into.readHead()).toBe('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    expect(await into.readFor(300)).toHaveLength(0)
    out.socket.destroy()
  })

  test('10. the second is never answered, and the packets in its body are processed', async () => {
    const wire = await openHttpPair(node)
    await expectHandshake(wire)
    expect(await wire.in.readFor(300)).toHaveLength(0)
  })

  test('11. both heads and a packet in one TLS record are all processed', async () => {
    const id = guid()
    const out = await openOut(node, id)
    const into = await RawTls.open(node)
    into.write(Buffer.concat([inHeads(id), encodeChunk(HANDSHAKE)]))
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    expect(await httpWire(out, into).receive()).toEqual(HANDSHAKE_RESPONSE)
  })

  test('12. heads of one byte for each TLS record are processed', async () => {
    const id = guid()
    const out = await openOut(node, id)
    const into = await RawTls.open(node)
    await into.writeEach([...inHeads(id)].map((byte) => Buffer.of(byte)))
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    await expectHandshake(httpWire(out, into))
  })

  test('13. chunks of any spelling and any cut carry the same packets', async () => {
    const wire = await openHttpPair(node)
    const token = await node.mint(3389)
    const create = tunnelCreate(token)
    wire.in.write(`E\r\n${HANDSHAKE.toString('latin1')}\r\n`.slice(0, 3))
    wire.in.write(Buffer.concat([HANDSHAKE, Buffer.from('\r\n')]))
    expect(await wire.receive()).toEqual(HANDSHAKE_RESPONSE)

    // One packet in three chunks: lower case, leading zeros, an extension.
    const third = Math.floor(create.length / 3)
    const parts = [create.subarray(0, third), create.subarray(third, 2 * third)]
    const last = create.subarray(2 * third)
    for (const [part, size] of [
      [parts[0], third.toString(16)],
      [parts[1], `00${third.toString(16).toUpperCase()}`],
      [last, `${last.length.toString(16)} ;name="value"`],
    ] as const) {
      wire.in.write(Buffer.concat([Buffer.from(`${size}\r\n`), part ?? last, Buffer.from('\r\n')]))
    }
    expect((await wire.receive()).readUInt16LE(0)).toBe(0x05)

    // Three packets in one chunk; KEEPALIVE has no answer.
    const keepAlive = Buffer.from('0d00000008000000', 'hex')
    wire.send(Buffer.concat([keepAlive, TUNNEL_AUTH, keepAlive]))
    expect((await wire.receive()).readUInt16LE(0)).toBe(0x07)
    await wire.expectSilence(100)
  })

  test.each([
    ['FFFFFFFF', 'FFFFFFFF\r\n'],
    ['twenty digits', '00000000000000000010\r\n'],
    ['negative', '-1\r\n'],
    ['empty', '\r\n'],
  ])('14. chunk size %s: both connections close', async (_, line) => {
    const wire = await openHttpPair(node)
    await expectHandshake(wire)
    wire.in.write(line)
    await wire.expectEnd()
  })

  test('15. the last chunk on IN ends the tunnel, and OUT is closed', async () => {
    const wire = await openHttpPair(node)
    await expectHandshake(wire)
    wire.in.write('0\r\n\r\n')
    await wire.expectEnd()
  })
})

describe('pairing', () => {
  test('16. IN before OUT: 404 and close, after a short wait for OUT', async () => {
    const into = await RawTls.open(node)
    into.write(request('RDG_IN_DATA', idField(guid()), NO_BODY))
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 404 /)
    await into.readToEnd()
  })

  test('16. IN a moment before its OUT, as a balancer may swap them: they pair', async () => {
    // A second, which it is otherwise, may be too short for the TLS of OUT on a busy machine.
    const patient = await startNode({ limits: { inBeforeOutMs: 20_000 } })
    const id = guid()
    const into = await RawTls.open(patient)
    into.write(inHeads(id))
    expect(await into.readFor(100)).toHaveLength(0)
    const out = await openOut(patient, id)
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    await expectHandshake(httpWire(out, into))
    await patient.gateway.close()
  })

  test('17. ids that differ in letter case and braces pair', async () => {
    const id = guid()
    const out = await openOut(node, id.toUpperCase())
    const into = await openIn(id.slice(1, -1))
    await expectHandshake(httpWire(out, into))
  })

  test.each(['RDG_OUT_DATA', 'RDG_IN_DATA'])(
    '18. %s without an id, or with one that is no GUID: 400',
    async (method) => {
      const wrong = ['', '{}', 'tunnel-1', `${guid()}${guid()}`].map(idField)
      for (const fields of [[], ...wrong.map((field) => [field])]) {
        const raw = await RawTls.open(node)
        raw.write(request(method, ...fields, NO_BODY))
        expect(await raw.readHead()).toMatch(/^HTTP\/1\.1 400 /)
        await raw.readToEnd()
      }
    },
  )

  test('19. of two OUT with one id the first is closed, and the second pairs', async () => {
    const id = guid()
    const first = await openOut(node, id)
    const second = await openOut(node, id)
    expect(await first.readToEnd()).toHaveLength(0)
    await expectHandshake(httpWire(second, await openIn(id)))
  })

  test('20. the id of a paired tunnel opens another one, and the first goes on', async () => {
    const id = guid()
    const first = await openHttpPair(node, id)
    await expectHandshake(first)
    const second = await openHttpPair(node, id)
    await expectHandshake(second)
    first.send(tunnelCreate(await node.mint(3389)))
    expect((await first.receive()).readUInt32LE(10)).toBe(0)
  })

  test('21. a second IN of a paired tunnel: 404, and the tunnel goes on', async () => {
    const id = guid()
    const wire = await openHttpPair(node, id)
    const intruder = await RawTls.open(node)
    intruder.write(request('RDG_IN_DATA', idField(id), NO_BODY))
    expect(await intruder.readHead()).toMatch(/^HTTP\/1\.1 404 /)
    await intruder.readToEnd()
    await expectHandshake(wire)
  })

  test('22. IN from another address than OUT: 404 unless the binding is off, and OUT still waits', async () => {
    const id = guid()
    const out = await openOut(node, id)
    const stranger = await RawTls.open({ ...node, localAddress: '127.0.0.3' })
    stranger.write(inHeads(id))
    expect(await stranger.readHead()).toMatch(/^HTTP\/1\.1 404 /)
    await expectHandshake(httpWire(out, await openIn(id)))

    const loose = await startNode({ clientBinding: 'none' })
    const other = await openOut(loose, id)
    const into = await RawTls.open({ ...loose, localAddress: '127.0.0.3' })
    into.write(inHeads(id))
    expect(await into.readHead()).toMatch(/^HTTP\/1\.1 200 /)
    await expectHandshake(httpWire(other, into))
    await loose.gateway.close()
  })

  test('23. OUT without IN for the pairing time is closed, and its place is free again', async () => {
    const small = await startNode({ limits: { pairingTimeoutMs: 3_000 } })
    const waiting = await openOut(small, guid())
    expect(small.gateway.figures().halfOpen).toBe(1)
    expect(await waiting.readToEnd()).toHaveLength(0)
    await eventually('its place', () => small.gateway.figures().halfOpen === 0, { intervalMs: 5 })
    await small.gateway.close()
  })
})

test('33. OUT half-closed: the tunnel ends instead, and so does the connection to the host', async () => {
  // No known client half-closes; a FIN on OUT means that the client has gone.
  const target = await startTarget()
  const id = guid()
  const out = await openOut({ ...node, allowHalfOpen: true }, id)
  const wire = httpWire(out, await openIn(id))
  await reach(wire, 'channel', { token: await node.mint(target.port), port: target.port })
  const host = await target.next()
  out.socket.end()
  // The time limit of the first bytes would end this tunnel as well, but later.
  await withDeadline(host.closed, CLOSE_MS, 'close at the host')
  expect(await wire.in.readToEnd()).toHaveLength(0)
  target.close()
})
