import { afterAll, beforeAll, expect, test } from 'vitest'
import type { KeyPair } from '../../src/certs/index.ts'
import { LogBook } from '../../src/lab/log-book.ts'
import { findObstacle } from '../../src/lab/preflight.ts'
import { RunningFarm, type RunningFarmOptions } from '../../src/lab/running-farm.ts'
import { systemClock } from '../../src/lib/index.ts'
import { createIssuer, createMemoryLedger, createTrustList } from '../../src/tokens/index.ts'
import { startNode, type TestNode } from '../gateway/support/test-node.ts'
import { type EchoHost, startEchoHost } from '../helpers/echo-host.ts'
import { createLabIssuer } from '../helpers/lab-issuer.ts'
import { freePort } from '../helpers/ports.ts'

const book = new LogBook(systemClock)
let issuer: KeyPair
let echo: EchoHost
let node: TestNode

/** A node whose file lists the laboratory and one echo host. */
beforeAll(async () => {
  issuer = await createLabIssuer()
  echo = await startEchoHost()
  const { certificate } = await createIssuer(issuer)
  node = await startNode({
    log: book.open('gw1'),
    lab: {
      trust: createTrustList([{ certificate, purpose: 'lab' }], Date.now()),
      echoHost: { host: echo.host, port: echo.port },
      ledger: createMemoryLedger({ clock: systemClock, clientBinding: 'address' }),
    },
  })
})

afterAll(async () => {
  await node?.gateway.close()
  echo?.stop()
})

async function obstacle(change: Partial<RunningFarmOptions> = {}) {
  const farm = await RunningFarm.open({
    gateway: { host: '127.0.0.1', port: node.port },
    ca: node.ca,
    audience: 'testfarm',
    issuer,
    echoHost: { host: echo.host, port: echo.port },
    ...change,
  })
  return findObstacle(farm)
}

test('there is none where a fresh token reaches the echo host', async () => {
  expect(await obstacle()).toBeUndefined()
  expect(await obstacle({ gateway: { host: 'localhost', port: node.port } })).toBeUndefined()
})

test('a wrong farm or an issuer that the node does not list: what to look at, and what its log says', async () => {
  expect(await obstacle({ audience: 'another' })).toEqual({
    message: expect.stringMatching(
      /^127\.0\.0\.1:\d+ does not let this issuer's tokens in \(E_PROXY_COOKIE_AUTHENTICATION_ACCESS_DENIED\): .*lab\.issuer, is --audience its farm\.name/,
    ),
    answered: true,
  })
  const unknown = await obstacle({ issuer: await createLabIssuer(), book })
  expect(unknown?.message).toContain('_DENIED, in its log issuer-unknown): does its gateway.yaml')
})

test('another host than the listed one, or one that is away', async () => {
  const elsewhere = await obstacle({ echoHost: { host: '127.0.0.1', port: await freePort() } })
  expect(elsewhere).toEqual({
    message: expect.stringMatching(
      /not through to 127\.0\.0\.1:\d+ and back \(E_PROXY_RAP_ACCESSDENIED\): is --echo-host its lab\.echoHost/,
    ),
    answered: true,
  })
})

test('a gateway that is not there has answered nothing', async () => {
  const gateway = { host: '127.0.0.1', port: await freePort() }
  expect(await obstacle({ gateway })).toEqual({
    message: expect.stringMatching(/^connect: .*ECONNREFUSED/),
    answered: false,
  })
})
