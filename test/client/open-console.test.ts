import { once } from 'node:events'
import { createServer, type TLSSocket } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import {
  type ConsoleChannel,
  negotiate,
  negotiateWithEcho,
  type OpenConsoleOptions,
  openConsole,
  type StepName,
  type TransportKind,
} from '../../src/client/index.ts'
import { BrokerError, type Endpoint, Secret } from '../../src/lib/index.ts'
import { encodeConnectionConfirm } from '../../src/protocol/index.ts'
import { type ScriptedHost, startHost } from '../gateway/support/scripted-host.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'

const kinds: TransportKind[] = ['websocket', 'http']
const TIMEOUT_MS = 20_000

let node: TestNode
let host: ScriptedHost
let channel: ConsoleChannel | undefined

beforeAll(async () => {
  node = await startNode()
})
afterEach(() => {
  channel?.destroy()
  channel = undefined
  host?.close()
})
afterAll(() => node.gateway.close())

async function optionsFor(change: Partial<OpenConsoleOptions> = {}): Promise<OpenConsoleOptions> {
  host = await startHost()
  return {
    gateway: { host: 'localhost', port: node.port },
    ca: node.ca,
    transport: 'websocket',
    token: await node.mint(host.port),
    target: { host: '127.0.0.1', port: host.port },
    timeoutMs: TIMEOUT_MS,
    ...change,
  }
}

test.each(kinds)('goes to the answer of the target, step by step, over %s', async (transport) => {
  const steps: StepName[] = []
  const onStep = ({ step, durationMs }: { step: StepName; durationMs: number }): void => {
    expect(durationMs).toBeGreaterThanOrEqual(0)
    steps.push(step)
  }
  const options = await optionsFor({ transport, onStep })
  channel = await openConsole(options)
  const answer = negotiate(channel, options)
  const socket = await host.connection()
  const confirm = { kind: 'selected', flags: 1, selectedProtocol: 1 } as const
  socket.write(encodeConnectionConfirm(confirm))
  expect(await answer).toEqual(confirm)
  expect(host.received().toString('hex')).toBe('030000130ee000000000000100' + '08000b000000')
  expect(steps).toEqual([
    'connect',
    'tls',
    'transport',
    'handshake',
    'tunnel',
    'authorization',
    'channel',
    'negotiation',
  ])
})

test.each(kinds)('carries megabytes both ways unchanged over %s', async (transport) => {
  channel = await openConsole(await optionsFor({ transport }))
  const socket = await host.connection()
  // The node passes nothing on before it has seen an X.224 request.
  const request = Buffer.from('030000130ee00000000000010008000b000000', 'hex')
  const data = Buffer.alloc(3_000_000)
  for (let index = 0; index < data.length; index += 1)
    data[index] = (index * 7 + (index >> 8)) & 0xff
  socket.on('data', (bytes: Buffer) => socket.write(bytes))
  const sent = Buffer.concat([request, data])
  channel.write(sent)
  const received: Buffer[] = []
  let length = 0
  for await (const bytes of channel) {
    received.push(bytes)
    length += bytes.length
    if (length >= sent.length) break
  }
  expect(Buffer.concat(received).equals(sent)).toBe(true)
})

test('an end that the target makes ends the channel, and says why', async () => {
  channel = await openConsole(await optionsFor())
  const socket = await host.connection()
  socket.end('last words')
  const received: Buffer[] = []
  for await (const bytes of channel) received.push(bytes)
  expect(Buffer.concat(received).toString()).toBe('last words')
  expect(channel.closeStatus).toBe(0x8007_59d8)
})

test.each(kinds)(
  'ending the channel closes the connection to the target over %s',
  async (transport) => {
    channel = await openConsole(await optionsFor({ transport }))
    const socket = await host.connection()
    const closed = Promise.all([once(socket, 'close'), once(channel, 'close')])
    channel.resume().end()
    await closed
  },
)

describe('a failure names its step and its code', () => {
  const refusals: Array<[StepName, string, (options: OpenConsoleOptions) => OpenConsoleOptions]> = [
    [
      'tunnel',
      'E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED',
      (options) => ({ ...options, token: new Secret('no.token.atall') }),
    ],
    [
      'channel',
      'E_PROXY_RAP_ACCESSDENIED',
      (options) => ({ ...options, target: { host: '127.0.0.2', port: 3389 } }),
    ],
    [
      'channel',
      'E_PROXY_TS_CONNECTFAILED',
      (options) => {
        host.close()
        return options
      },
    ],
  ]
  for (const transport of kinds) {
    test.each(refusals)(`${transport}: in step %s %s`, async (step, statusName, change) => {
      const options = change(await optionsFor({ transport }))
      await expect(openConsole(options)).rejects.toMatchObject({
        code: 'ERR_REFUSED',
        step,
        statusName,
      })
    })
  }

  test('a path that is no gateway: the status of HTTP', async () => {
    const options = await optionsFor()
    const web = await startTlsServer((socket) => {
      socket.end('HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n')
    })
    for (const transport of kinds) {
      await expect(openConsole({ ...options, ...web.reach, transport })).rejects.toMatchObject({
        code: 'ERR_REFUSED',
        step: 'transport',
        httpStatus: 404,
      })
    }
    web.close()
  })

  test('an authority that we do not trust, and a name that is not in the certificate', async () => {
    const options = await optionsFor()
    const { reach, close } = await startTlsServer(() => {})
    const refused = { code: 'ERR_CERTIFICATE', step: 'tls' }
    await expect(openConsole({ ...options, ca: reach.ca })).rejects.toMatchObject(refused)
    const { ca: _, ...system } = options
    await expect(openConsole(system)).rejects.toMatchObject(refused)
    const unnamed = { host: '127.0.0.1', port: reach.gateway.port }
    await expect(openConsole({ ...options, ca: reach.ca, gateway: unnamed })).rejects.toMatchObject(
      refused,
    )
    close()
  })

  test('nobody listens: no answer, in the first step', async () => {
    const options = await optionsFor()
    const { reach, close } = await startTlsServer(() => {})
    close()
    await expect(openConsole({ ...options, ...reach })).rejects.toMatchObject({
      code: 'ERR_NO_ANSWER',
      step: 'connect',
    })
  })

  test('a gateway that says nothing: the deadline, in the step that waits', async () => {
    const options = await optionsFor({ timeoutMs: 4_000 })
    const { reach, close } = await startTlsServer(() => {})
    await expect(openConsole({ ...options, ...reach })).rejects.toMatchObject({
      code: 'ERR_DEADLINE',
      step: 'transport',
    })
    close()
  })

  test('a gateway that hangs up: no answer', async () => {
    const options = await optionsFor()
    const { reach, close } = await startTlsServer((socket) => socket.destroy())
    for (const transport of kinds) {
      await expect(openConsole({ ...options, ...reach, transport })).rejects.toMatchObject({
        code: 'ERR_NO_ANSWER',
        step: 'transport',
      })
    }
    close()
  })

  test("the caller's own signal: its reason, wrapped", async () => {
    const options = await optionsFor()
    const { reach, close } = await startTlsServer(() => {})
    const ended = new AbortController()
    const opening = openConsole({ ...options, ...reach, signal: ended.signal })
    ended.abort(new BrokerError('ERR_CLOSED', 'enough'))
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CLOSED' })
    close()
  })

  test('an end between two steps leaves no connection behind', async () => {
    const options = await optionsFor()
    const ended = new AbortController()
    const onStep = (): void => ended.abort(new BrokerError('ERR_CLOSED', 'enough'))
    const target = { host: '127.0.0.1', port: host.port }
    const opening = openConsole({ ...options, gateway: target, signal: ended.signal, onStep })
    await expect(opening).rejects.toMatchObject({ code: 'ERR_CLOSED', step: 'tls' })
    const socket = await host.connection()
    if (!socket.destroyed) await once(socket, 'close')
  })

  test('texts that no packet can carry: wrong usage, and nothing is dialled', async () => {
    const options = await optionsFor()
    const long = 'a'.repeat(32_767)
    const changes: Partial<OpenConsoleOptions>[] = [
      { token: new Secret(long) },
      { target: { host: long, port: 3389 } },
      { clientName: long },
    ]
    for (const change of changes) {
      const steps: StepName[] = []
      const onStep = ({ step }: { step: StepName }): void => void steps.push(step)
      await expect(openConsole({ ...options, ...change, onStep })).rejects.toMatchObject({
        code: 'ERR_USAGE',
      })
      expect(steps).toEqual([])
    }
    channel = await openConsole(options)
    const preconnectionBlob = 'x'.repeat(65_535)
    await expect(negotiate(channel, { ...options, preconnectionBlob })).rejects.toMatchObject({
      code: 'ERR_USAGE',
      step: 'negotiation',
    })
  })

  test('a channel that is destroyed before or while the target is asked: no answer', async () => {
    const options = await optionsFor()
    channel = await openConsole(options)
    const answering = negotiate(channel, options)
    channel.destroy()
    const ended = { code: 'ERR_NO_ANSWER', step: 'negotiation' }
    await expect(answering).rejects.toMatchObject(ended)
    await expect(negotiate(channel, options)).rejects.toMatchObject(ended)
  })

  test('a target that closes, and one that speaks something else', async () => {
    const options = await optionsFor()
    channel = await openConsole(options)
    const closing = negotiate(channel, options)
    const socket = await host.connection()
    socket.end()
    await expect(closing).rejects.toMatchObject({ code: 'ERR_REFUSED', step: 'negotiation' })

    const others = await optionsFor()
    channel = await openConsole(others)
    const answering = negotiate(channel, others)
    const other = await host.connection()
    other.write('SSH-2.0-OpenSSH_9.2\r\n')
    await expect(answering).rejects.toMatchObject({
      code: 'ERR_PACKET_MALFORMED',
      step: 'negotiation',
    })
  })
})

interface TlsServer {
  /** Options that lead here. */
  reach: { gateway: Endpoint; ca: string }
  close(): void
}

/** A TLS server on loopback with a certificate for `localhost`, which `reach.ca` vouches for. */
async function startTlsServer(onConnection: (socket: TLSSocket) => void): Promise<TlsServer> {
  const common = { organization: 'Test', notBefore: new Date(Date.now() - 60_000), days: 1 }
  const authority = await createAuthority({ ...common, commonName: 'Test authority' })
  const pair = await issueCertificate({
    ...common,
    authority,
    role: 'tls',
    commonName: 'localhost',
    names: ['localhost'],
  })
  const sockets = new Set<TLSSocket>()
  const server = createServer({ cert: pair.certificatePem, key: pair.privateKeyPem }, (socket) => {
    sockets.add(socket)
    socket.on('error', () => {})
    socket.resume()
    onConnection(socket)
  })
  server.on('tlsClientError', () => {})
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    reach: {
      gateway: { host: 'localhost', port: address.port },
      ca: authority.certificatePem,
    },
    close: () => {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

test('a target that sends back what it gets has proven both ways, in whatever parts', async () => {
  const options = await optionsFor()
  channel = await openConsole(options)
  const echoed = negotiateWithEcho(channel, options)
  const socket = await host.connection()
  socket.setNoDelay(true).on('data', (bytes) => {
    for (const byte of bytes) socket.write(Buffer.of(byte))
  })
  await echoed
})

test('a target that sends anything else back is no echo host', async () => {
  const options = await optionsFor()
  channel = await openConsole(options)
  const echoed = negotiateWithEcho(channel, options)
  const socket = await host.connection()
  socket.write(encodeConnectionConfirm({ kind: 'selected', flags: 1, selectedProtocol: 1 }))
  await expect(echoed).rejects.toThrow('negotiation: the target sends other bytes back than it got')
})
