import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { renderHead } from '../../src/protocol/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { RawTls } from '../helpers/raw-tls.ts'
import { guid, openOut, request, upgradeRequest, WEBSOCKET_KEY } from './wire.ts'

let node: TestNode

beforeAll(async () => {
  node = await startNode()
})
afterAll(() => node.gateway.close())

/** The head that answers these bytes, on a new connection. */
async function answerTo(bytes: Uint8Array | string): Promise<{ head: string; raw: RawTls }> {
  const raw = await RawTls.open(node)
  raw.write(bytes)
  return { head: await raw.readHead(), raw }
}

async function statusOf(bytes: Uint8Array | string): Promise<number> {
  const { head, raw } = await answerTo(bytes)
  raw.socket.destroy()
  return Number(head.split(' ')[1])
}

function acceptOf(key: string): string {
  return createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')
}

function browserUpgrade(...fields: Array<readonly [string, string]>): Buffer {
  return renderHead(`GET /remoteDesktopGateway/?ConId=${guid()}&CorId=${guid()} HTTP/1.1`, [
    ['Host', 'localhost'],
    ['Upgrade', 'websocket'],
    ...fields,
  ])
}

describe('upgrade', () => {
  const id = ['RDG-Connection-Id', guid()] as const

  test('1. method RDG_OUT_DATA, no body, FreeRDP spelling: 101 with the right accept value', async () => {
    const { head } = await answerTo(upgradeRequest(id))
    expect(head).toBe(
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n' +
        `Sec-WebSocket-Accept: ${acceptOf(WEBSOCKET_KEY)}\r\n\r\n`,
    )
  })

  test('2. method GET with ids in the query and no RDG headers: 101', async () => {
    const key = Buffer.alloc(16, 7).toString('base64')
    const { head } = await answerTo(
      browserUpgrade(
        ['Connection', 'Upgrade'],
        ['Sec-WebSocket-Key', key],
        ['Sec-WebSocket-Version', '13'],
      ),
    )
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).toContain(`\r\nSec-WebSocket-Accept: ${acceptOf(key)}\r\n`)
  })

  test('3. upgrade among other tokens of Connection: 101', async () => {
    const bytes = upgradeRequest(id)
      .toString('latin1')
      .replace('Connection: Upgrade', 'Connection: keep-alive, Upgrade')
    expect(await statusOf(bytes)).toBe(101)
  })

  test('4. subprotocol binary is echoed when offered, and absent otherwise', async () => {
    const offered = await answerTo(upgradeRequest(id, ['Sec-WebSocket-Protocol', 'binary']))
    expect(offered.head).toContain('\r\nSec-WebSocket-Protocol: binary\r\n')
    const silent = await answerTo(upgradeRequest(id))
    expect(silent.head).toMatch(/^HTTP\/1\.1 101 /)
    expect(silent.head).not.toMatch(/Sec-WebSocket-Protocol/i)
  })

  test('5. no extension is accepted', async () => {
    const { head } = await answerTo(
      upgradeRequest(id, ['Sec-WebSocket-Extensions', 'permessage-deflate']),
    )
    expect(head).toMatch(/^HTTP\/1\.1 101 /)
    expect(head).not.toMatch(/Sec-WebSocket-Extensions/i)
  })

  test('6. another WebSocket version: 426 naming ours; no key: 400', async () => {
    const text = upgradeRequest(id).toString('latin1')
    const { head } = await answerTo(text.replace('Version: 13', 'Version: 8'))
    expect(head).toMatch(/^HTTP\/1\.1 426 [\s\S]*\r\nSec-WebSocket-Version: 13\r\n/)
    expect(await statusOf(text.replace(/Sec-Websocket-Key: .*\r\n/, ''))).toBe(400)
  })
})

describe('requests', () => {
  test('7. OUT: three parts in the status line, neither length nor coding, ten bytes, silence', async () => {
    const { head, raw } = await answerTo(
      request('RDG_OUT_DATA', ['RDG-Connection-Id', guid()], ['Content-Length', '0']),
    )
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(head).not.toMatch(/Content-Length|Transfer-Encoding/i)
    await raw.read(10)
    expect(await raw.readFor(300)).toHaveLength(0)
  })

  test('8. no request of a client without Authorization is answered 401', async () => {
    const id = ['RDG-Connection-Id', guid()] as const
    const none = ['Content-Length', '0'] as const
    expect(await statusOf(upgradeRequest(id))).toBe(101)
    const out = await openOut(node, id[1])
    expect(await statusOf(request('RDG_IN_DATA', id, none))).toBe(200)
    out.socket.destroy()
  })

  test('24. other methods on the path: 405; the web routes on the same port work', async () => {
    for (const method of ['POST', 'RDG_FOO', 'GET']) {
      expect(await statusOf(request(method, ['RDG-Connection-Id', guid()]))).toBe(405)
    }
    expect(await statusOf('GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n')).toBe(200)
    expect(await statusOf('GET /readyz HTTP/1.1\r\nHost: x\r\n\r\n')).toBe(200)
    expect(await statusOf('GET /other HTTP/1.1\r\nHost: x\r\n\r\n')).toBe(404)
  })

  test('25. a head of sixty-four KiB: 431 and close', async () => {
    const { head, raw } = await answerTo(`GET / HTTP/1.1\r\n${'a'.repeat(64 * 1024)}`)
    expect(head).toMatch(/^HTTP\/1\.1 431 /)
    await raw.readToEnd()
  })

  test('25. a head that comes too slowly: 408 and close', async () => {
    const slow = await startNode({ limits: { requestHeadTimeoutMs: 2_000 } })
    const raw = await RawTls.open(slow)
    // Byte by byte: the limit is for the whole head, no byte puts it off.
    const trickle = setInterval(() => raw.write('R'), 50)
    expect(await raw.readHead()).toMatch(/^HTTP\/1\.1 408 /)
    clearInterval(trickle)
    await raw.readToEnd()
    await slow.gateway.close()
  })

  test('26. of h2 and http/1.1, the latter is chosen', async () => {
    const raw = await RawTls.open({ ...node, ALPNProtocols: ['h2', 'http/1.1'] })
    expect(raw.socket.alpnProtocol).toBe('http/1.1')
    raw.socket.destroy()
  })

  test('27. HTTP 1.0: 400, without a chunked body', async () => {
    const id = guid()
    const text = request('RDG_OUT_DATA', ['RDG-Connection-Id', id]).toString('latin1')
    const { head, raw } = await answerTo(text.replace('HTTP/1.1', 'HTTP/1.0'))
    expect(head).toMatch(/^HTTP\/1\.1 400 /)
    expect(head).not.toMatch(/Transfer-Encoding/i)
    await raw.readToEnd()
  })
})
