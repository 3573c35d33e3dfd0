import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { createServer as createTlsServer } from 'node:tls'
import { expect, onTestFinished, test } from 'vitest'
import { examinePorts } from '../../src/cli/doctor-ports.ts'
import { loadNode, writeNode } from './doctor-node.ts'

async function listen(server: Server): Promise<{ host: string; port: number }> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { host: '127.0.0.1', port: (server.address() as AddressInfo).port }
}

/** The findings of a node that listens there. */
async function examine(
  files: { 'gateway.yaml': string },
  address: { host: string; port: number },
  more: { proxy?: 'required'; metrics?: { host: string; port: number } } = {},
) {
  const { role, config } = loadNode(files)
  const { proxy = 'off', metrics } = more
  return examinePorts({
    role,
    config: {
      ...config,
      listeners: [{ address, proxy, tls: true, from: [] }],
      ...(metrics === undefined ? {} : { metrics: { listen: metrics } }),
    },
  })
}

test('a port is free, ours by its certificate, or taken by another', async () => {
  const files = await writeNode()
  const cert = readFileSync(files['tls.crt'])
  const ours = createTlsServer({ cert, key: readFileSync(files['tls.key']) })
  const other = createServer((socket) => socket.on('error', () => {}).end('SSH-2.0'))
  expect(await examine(files, await listen(ours))).toMatchObject([
    { severity: 'ok', message: expect.stringContaining('is ours') },
  ])
  const taken = await listen(other)
  expect(await examine(files, taken)).toMatchObject([
    { severity: 'error', fix: expect.stringContaining(`ss -ltnp 'sport = :${taken.port}'`) },
  ])
  expect(await examine(files, { host: '192.0.2.77', port: taken.port })).toMatchObject([
    { severity: 'error', message: expect.stringContaining('this machine has no such address') },
  ])
  expect(await examine(files, { host: '127.0.0.1', port: 0 })).toMatchObject([
    { severity: 'ok', message: expect.stringContaining('is free') },
  ])
})

test('who waits for a PROXY header is not asked', async () => {
  const taken = await listen(createServer())
  expect(await examine(await writeNode(), taken, { proxy: 'required' })).toMatchObject([
    { severity: 'warning', message: expect.stringContaining("can't be told") },
  ])
})

test('metrics are known by their prefix', async () => {
  const files = await writeNode()
  const free = { host: '127.0.0.1', port: 0 }
  const ours = await listen(createHttpServer((_, response) => response.end('portcullis_nodes 1')))
  const other = await listen(createHttpServer((_, response) => response.end('up 1')))
  const [, first] = await examine(files, free, { metrics: ours })
  const [, second] = await examine(files, free, { metrics: other })
  expect(first).toMatchObject({ subject: 'metrics.listen', severity: 'ok' })
  expect(second).toMatchObject({ subject: 'metrics.listen', severity: 'error' })
})
