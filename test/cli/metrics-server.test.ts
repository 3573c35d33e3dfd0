import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import {
  type MetricsLimits,
  type MetricsServer,
  startMetricsServer,
} from '../../src/cli/metrics-server.ts'
import { formatEndpoint, Metrics } from '../../src/lib/index.ts'
import { eventually } from '../helpers/eventually.ts'

let server: MetricsServer

afterEach(() => server.close())

async function start(limits: Partial<MetricsLimits> = {}): Promise<string> {
  const metrics = new Metrics()
  metrics.gauge({ name: 'level', help: 'Level.' }, () => 7)
  server = await startMetricsServer({ host: '127.0.0.1', port: 0 }, metrics, { limits })
  return `http://${formatEndpoint(server.address)}`
}

test('answers GET /metrics and nothing else', async () => {
  const url = await start()
  const answer = await fetch(`${url}/metrics`)
  expect(answer.status).toBe(200)
  expect(answer.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  expect(await answer.text()).toMatch(/^portcullis_level 7$/m)
  expect((await fetch(`${url}/`)).status).toBe(404)
  expect((await fetch(`${url}/metrics?x=1`)).status).toBe(404)
  const post = await fetch(`${url}/metrics`, { method: 'POST', body: 'x' })
  expect([post.status, post.headers.get('allow')]).toEqual([405, 'GET'])
})

test('closes although a collector is connected, and names an address that is taken', async () => {
  await start()
  const idle = connect(server.address.port, '127.0.0.1')
  await new Promise((resolve) => idle.once('connect', resolve))
  await expect(startMetricsServer(server.address, new Metrics())).rejects.toMatchObject({
    code: 'ERR_START',
    message: expect.stringContaining(`metrics: cannot listen on 127.0.0.1:${server.address.port}`),
  })
  await server.close()
  idle.destroy()
})

async function open(): Promise<Socket> {
  const socket = connect(server.address.port, '127.0.0.1')
  socket.on('error', () => {})
  await once(socket, 'connect')
  return socket.resume()
}

test('past their number the one that has said nothing for longest makes room', async () => {
  const url = await start({ maxConnections: 2 })
  const silent: Socket[] = []
  for (let count = 0; count < 6; count += 1) {
    silent.push(await open())
    expect((await fetch(`${url}/metrics`)).ok).toBe(true)
  }
  await eventually('all but two are closed', () => {
    return silent.filter(({ closed }) => !closed).length <= 2
  })
  expect(silent.at(-1)?.closed).toBe(false)
})

test('closes a connection on which no request comes to its end', async () => {
  await start({ headersMs: 100, checkEveryMs: 50 })
  const socket = await open()
  socket.write('GET /metrics HTTP/1.1\r\n')
  await once(socket, 'close')
})

test('closes a connection on which nothing happens', async () => {
  await start({ inactiveMs: 100 })
  await once(await open(), 'close')
})
