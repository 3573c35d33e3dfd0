import { EventEmitter, once } from 'node:events'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { afterEach, expect, test } from 'vitest'
import { createDevelopmentCertificates } from '../../src/certs/index.ts'
import { startHttpsServer, type Timeouts } from '../../src/cli/https-server.ts'
import { withDeadline } from '../../src/lib/index.ts'

const REQUEST = 'GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'

const toClose: (() => unknown)[] = []
afterEach(async () => {
  for (const close of toClose.splice(0).reverse()) await close()
})

/** A server, and a client that is connected to it. */
async function start(
  handler: RequestListener,
  timeouts: Partial<Timeouts> = {},
): Promise<TLSSocket> {
  const { authority, portalTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now: new Date(),
  })
  const listen = { host: '127.0.0.1', port: 0 }
  const server = await startHttpsServer({ ...portalTls, listen, handler, timeouts })
  const ca = authority.certificatePem
  const client = connect({ ...server.address, ca, servername: 'localhost' })
  client.on('error', () => {})
  toClose.push(server.close, () => client.destroy())
  await once(client, 'secureConnect')
  return client
}

function soon<T>(promise: Promise<T>): Promise<T> {
  return withDeadline(promise, 4_000, 'close')
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
    { inactiveMs: 200 },
  )
  client.pause()
  client.write(REQUEST.repeat(300))
  await soon(once(await served.promise, 'close'))
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
