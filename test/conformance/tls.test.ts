import { once } from 'node:events'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withDeadline } from '../../src/lib/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'

/** What Schannel offers first for TLS 1.2 with either kind of certificate; ours here is an EC one. */
const MSTSC_SUITES = ['ECDHE-ECDSA-AES256-GCM-SHA384', 'ECDHE-ECDSA-AES128-GCM-SHA256']
const HEALTH = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
const WITHIN_MS = 15_000

describe('TLS', () => {
  let node: TestNode

  beforeAll(async () => {
    node = await startNode()
  })

  afterAll(async () => {
    await node.gateway.close()
  })

  async function handshake(options: ConnectionOptions): Promise<TLSSocket> {
    const socket = connect({
      port: node.port,
      host: '127.0.0.1',
      ca: node.ca,
      servername: 'localhost',
      ALPNProtocols: ['http/1.1'],
      ...options,
    })
    await withDeadline(once(socket, 'secureConnect'), WITHIN_MS, 'TLS handshake')
    return socket
  }

  /** The answer to a request, and the last session that came with it. */
  async function visit(options: ConnectionOptions): Promise<{ reused: boolean; session: Buffer }> {
    const socket = await handshake(options)
    let session = socket.getSession()
    socket.on('session', (ticket) => {
      session = ticket
    })
    socket.write(HEALTH)
    const [bytes] = await withDeadline(once(socket, 'data'), WITHIN_MS, 'an answer')
    expect(bytes.toString('latin1')).toMatch(/^HTTP\/1\.1 200 /)
    const reused = socket.isSessionReused()
    socket.destroy()
    if (session === undefined) throw new Error('no session')
    return { reused, session }
  }

  test.each(MSTSC_SUITES)('speaks TLS 1.2 with %s, as mstsc does', async (ciphers) => {
    const socket = await handshake({ maxVersion: 'TLSv1.2', ciphers })
    expect(socket.getProtocol()).toBe('TLSv1.2')
    expect(socket.getCipher().name).toBe(ciphers)
    expect(socket.alpnProtocol).toBe('http/1.1')
    socket.destroy()
  })

  test('speaks TLS 1.3 where the client knows it', async () => {
    const socket = await handshake({})
    expect(socket.getProtocol()).toBe('TLSv1.3')
    socket.destroy()
  })

  test('speaks nothing older, even from a client that accepts everything', async () => {
    const old = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'ALL:@SECLEVEL=0' } as const
    await expect(handshake(old)).rejects.toMatchObject({
      code: 'ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION',
    })
  })

  test.each(['TLSv1.2', 'TLSv1.3'] as const)('resumes sessions of %s', async (maxVersion) => {
    const first = await visit({ maxVersion })
    expect(first.reused).toBe(false)
    const second = await visit({ maxVersion, session: first.session })
    expect(second.reused).toBe(true)
  })
})
