import { EventEmitter, once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { limitHttpConnections } from '../../src/lib/index.ts'

const UPGRADE = 'GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade'

const toClose: (() => unknown)[] = []
afterEach(() => {
  for (const close of toClose.splice(0).reverse()) close()
})

/** A server with so many places that knows no upgrade, and how to connect to it. */
async function start(
  most: number,
  answer: RequestListener = (_, response) => void response.end('as ever'),
): Promise<() => Promise<Socket>> {
  const server = createServer(answer)
  const places = limitHttpConnections(server, most)
  toClose.push(
    () => server.close(),
    () => places.destroyAll(),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return async () => {
    const client = connect(port, '127.0.0.1')
    client.on('error', () => {})
    await once(client, 'connect')
    return client
  }
}

test('who asks for an upgrade that there is not gets the answer of everybody', async () => {
  const open = await start(1)
  const client = await open()
  client.write(`${UPGRADE}\r\n\r\n`)
  expect(String(await once(client, 'data'))).toContain('as ever')
})

test('and holds a place no longer than they', async () => {
  const open = await start(2)
  for (let count = 0; count < 6; count += 1) {
    const client = await open()
    client.write(`${UPGRADE}\r\n\r\n`)
    expect(String(await once(client, 'data'))).toContain('as ever')
  }
})

test('a body that ends after its answer leaves no place taken', async () => {
  const bodies = new EventEmitter()
  const open = await start(2, (request, response) => {
    request.once('end', () => bodies.emit('end'))
    response.end('too early')
  })
  for (let count = 0; count < 6; count += 1) {
    const client = await open()
    client.write('POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2\r\n\r\n1')
    expect(String(await once(client, 'data'))).toContain('too early')
    const ended = once(bodies, 'end')
    client.write('2')
    await ended
  }
})
