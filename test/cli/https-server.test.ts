import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import { connect as connectTcp, Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import {
  DEFAULT_HTTPS_LIMITS,
  type HttpsLimits,
  type HttpsServer,
  startHttpsServer,
} from '../../src/cli/https-server.ts'
import { withDeadline } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

interface Started {
  server: HttpsServer
  /** A connection on which nothing was sent, and TLS done. */
  connectTls(): Promise<TLSSocket>
  /** A connection without a byte of TLS. */
  connectTcp(): Promise<Socket>
}

async function startServer(
  handler: RequestListener,
  limits: Partial<HttpsLimits>,
): Promise<Started> {
  const { authority, portalTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now: new Date(),
  })
  const listen = { host: '127.0.0.1', port: 0 }
  const server = await startHttpsServer({ ...portalTls, listen, handler, limits })
  toClose.push(server.close)
  const opened = async <Kind extends Socket>(client: Kind, event: string): Promise<Kind> => {
    client.on('error', () => {})
    toClose.push(() => client.destroy())
    await once(client, event)
    return client
  }
  const ca = authority.certificatePem
  return {
    server,
    connectTls: () =>
      opened(connect({ ...server.address, ca, servername: 'localhost' }), 'secureConnect'),
    connectTcp: () => opened(connectTcp(server.address), 'connect'),
  }
}

/** A server, and a client that is connected to it. */
async function start(
  handler: RequestListener,
  limits: Partial<HttpsLimits> = {},
): Promise<TLSSocket> {
  const { connectTls } = await startServer(handler, limits)
  return connectTls()
}

/** Less than the limits give that tests leave as they are. */
function soon<T>(promise: Promise<T>, withinMs = 8_000): Promise<T> {
  return withDeadline(promise, withinMs, 'close')
}

test('closes a connection on which no request comes', async () => {
  const client = await start(() => {}, { headersMs: 100, checkEveryMs: 50 })
  await soon(once(client.resume(), 'close'))
})

test('closes a connection whose client asks and asks, and takes no answer', async () => {
  const served = Promise.withResolvers<Socket>()
  const body = Buffer.alloc(60_000)
  const client = await start(
    (request, response) => {
      served.resolve(request.socket)
      response.end(body)
    },
    { inactiveMs: 1_000 },
  )
  client.pause()
  client.write(REQUEST.repeat(300))
  await soon(once(await served.promise, 'close'))
})

test('closes a connection that begins no TLS', async () => {
  const { connectTcp } = await startServer(() => {}, { handshakeMs: 100 })
  await soon(once((await connectTcp()).resume(), 'close'))
})

test('answers 408 to a request whose body does not come to its end', async () => {
  const client = await start((request) => void request.resume(), {
    headersMs: 100,
    requestMs: 200,
    checkEveryMs: 50,
  })
  client.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\nx')
  const dribbling = setInterval(() => client.write('x'), 50)
  const [answer] = await soon(once(client, 'data'))
  clearInterval(dribbling)
  expect(String(answer)).toContain('HTTP/1.1 408 ')
  await soon(once(client, 'close'))
})

test('closes a connection between two requests when its time is over', async () => {
  const client = await start((_, response) => void response.end('ok'), { keepAliveMs: 100 })
  client.write(REQUEST)
  await soon(once(client, 'data'))
  await soon(once(client.resume(), 'close'), DEFAULT_HTTPS_LIMITS.keepAliveMs - 500)
})

test('past their number a connection is closed at once while all others have asked, and served when one has its answer', async () => {
  const asked: ServerResponse[] = []
  const { connectTcp, connectTls } = await startServer((_, response) => void asked.push(response), {
    maxConnections: 2,
  })
  const held = [await connectTls(), await connectTls()]
  for (const client of held) client.write(REQUEST)
  await eventually('both have asked', () => asked.length === 2)
  const tooMany = await connectTcp()
  await soon(once(tooMany.resume(), 'close'))
  asked[0]?.end('ok')
  await soon(once(held[0] ?? new Socket(), 'data'))
  const client = await connectTls()
  client.write(REQUEST)
  await eventually('it has asked', () => asked.length === 3)
  asked[2]?.end('ok')
  expect(String((await soon(once(client, 'data')))[0])).toContain(' 200 ')
  expect(held[1]?.destroyed).toBe(false)
})

test('thousands of connections that say nothing keep nobody out', async () => {
  const { connectTcp, connectTls } = await startServer((_, response) => void response.end('ok'), {})
  const silent: Socket[] = []
  const most = DEFAULT_HTTPS_LIMITS.maxConnections
  while (silent.length < most + 1_000) {
    // No more at once than the queue of a listener takes.
    silent.push(...(await Promise.all(Array.from({ length: 250 }, connectTcp))))
    const client = await soon(connectTls())
    client.write(REQUEST)
    expect(String((await soon(once(client, 'data')))[0])).toContain(' 200 ')
    client.destroy()
  }
  await eventually('the oldest are closed', () => {
    for (const socket of silent) socket.resume()
    return silent.filter(({ destroyed }) => !destroyed).length <= most
  })
  expect(silent.at(-1)?.destroyed).toBe(false)
}, 60_000)

test('whose request does not come to its end makes room, however busily it sends', async () => {
  const answers: string[] = []
  const { connectTls } = await startServer(
    (request, response) => {
      request.resume().once('end', () => response.end('ok'))
    },
    { maxConnections: 4 },
  )
  const slow: TLSSocket[] = []
  const begin = async (head: string): Promise<void> => {
    const client = (await connectTls()).resume()
    const beginning = `POST / HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`
    client.write(beginning)
    const dribbling = setInterval(() => client.write(head.startsWith('T') ? '1\r\nx\r\n' : 'x'), 20)
    client.once('close', () => clearInterval(dribbling))
    slow.push(client)
  }
  for (let count = 0; count < 4; count += 1) {
    await begin('Content-Length: 100000')
    await begin('Transfer-Encoding: chunked')
    const client = await soon(connectTls())
    client.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nall')
    answers.push(String((await soon(once(client, 'data')))[0]))
    client.destroy()
  }
  for (const answer of answers) expect(answer).toContain(' 200 ')
  await eventually('the oldest are closed', () => slow.filter(({ closed }) => !closed).length <= 4)
  expect(slow.at(-1)?.closed).toBe(false)
})

test('who waits for an answer keeps its place, who has its answer makes room', async () => {
  const asked: ServerResponse[] = []
  const { connectTcp, connectTls } = await startServer((_, response) => void asked.push(response), {
    maxConnections: 2,
  })
  const [first, second] = [await connectTls(), await connectTls()]
  for (const client of [first, second]) client.write(REQUEST)
  await eventually('both have asked', () => asked.length === 2)
  asked[1]?.end('ok')
  await soon(once(second, 'data'))
  second.resume()
  for (let count = 0; count < 5; count += 1) await connectTcp()
  await eventually('it is closed', () => second.closed)
  asked[0]?.end('ok')
  expect(String((await soon(once(first, 'data')))[0])).toContain(' 200 ')
})

test('lets a running request finish when it closes, but not for ever', async () => {
  const running = Promise.withResolvers<void>()
  const { server, connectTls } = await startServer(() => running.resolve(), { closeGraceMs: 200 })
  const client = await connectTls()
  client.write(REQUEST)
  await running.promise
  const startedAtMs = performance.now()
  await soon(server.close())
  expect(performance.now() - startedAtMs).toBeGreaterThan(150)
})

test('closes at once what says nothing when it closes', async () => {
  const { server, connectTcp, connectTls } = await startServer(() => {}, { closeGraceMs: 60_000 })
  const silent = [await connectTcp(), await connectTls()]
  await soon(server.close())
  await eventually('all closed', () => silent.every((client) => client.resume().closed))
})

test('goes on serving after accepts that failed, such as for want of descriptors', async () => {
  const client = await start((request, response) => {
    serverOf(request).emit('error', new Error('accept EMFILE'))
    serverOf(request).emit('error', new Error('accept EMFILE'))
    response.end('still here')
  })
  client.write(REQUEST)
  const [answer] = await soon(once(client, 'data'))
  expect(String(answer)).toContain('HTTP/1.1 200 ')
})

/** Node keeps it there; its types don't say so. */
function serverOf({ socket }: IncomingMessage): EventEmitter {
  const server: unknown = Reflect.get(socket, 'server')
  if (server instanceof EventEmitter) return server
  throw new TypeError('socket.server: is no server')
}
