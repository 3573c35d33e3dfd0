import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import { beforeAll, expect, onTestFinished, test } from 'vitest'
import type { KeyPair } from '../../src/certs/index.ts'
import { RunningFarm, type RunningFarmOptions } from '../../src/lab/running-farm.ts'
import { createLabIssuer } from '../helpers/lab-issuer.ts'
import { freePort } from '../helpers/ports.ts'

let issuer: KeyPair

beforeAll(async () => {
  issuer = await createLabIssuer()
})

async function clients(gateway: RunningFarmOptions['gateway'], secondAddress?: string) {
  const echoHost = { host: '127.0.0.1', port: 7007 }
  const second = secondAddress === undefined ? {} : { secondAddress }
  const farm = await RunningFarm.open({ gateway, audience: 'demo', issuer, echoHost, ...second })
  return farm.clients
}

async function listen(host: string): Promise<number> {
  const server = createServer((socket) => socket.on('error', () => {}).end())
  onTestFinished(() => void server.close())
  await once(server.listen(0, host), 'listening')
  // A TCP server's address is an object while it listens.
  return (server.address() as AddressInfo).port
}

test('a second client comes from another loopback address by itself, to localhost as well', async () => {
  const port = await listen('127.0.0.1')
  const both = { alice: '127.0.0.1', bob: '127.0.0.2' }
  expect(await clients({ host: '127.0.0.1', port })).toEqual(both)
  expect(await clients({ host: 'localhost', port })).toEqual(both)
  expect(await clients({ host: 'localhost', port }, '127.0.0.9')).toEqual({
    ...both,
    bob: '127.0.0.9',
  })
})

test('none does where that leads to no gateway, nor elsewhere unless its address is given', async () => {
  const nobody = { host: 'localhost', port: await freePort() }
  expect(await clients(nobody)).toEqual({ alice: undefined, bob: undefined })
  const gateway = { host: 'gw1.example', port: 443 }
  expect(await clients(gateway)).toEqual({ alice: undefined, bob: undefined })
  expect(await clients(gateway, '192.0.2.9')).toEqual({ alice: undefined, bob: '192.0.2.9' })
})
