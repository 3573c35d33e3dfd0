import { afterEach, beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import type { Endpoint, Secret } from '../../src/lib/index.ts'
import {
  decodeChannelResponse,
  decodeTunnelResponse,
  encodeData,
  PacketType,
} from '../../src/protocol/index.ts'
import { createIssuer, createTrustList, type Issuer } from '../../src/tokens/index.ts'
import { requests, type TestClient } from '../helpers/packet-client.ts'
import { blob } from '../helpers/preconnection.ts'
import { type ScriptedTarget, startTarget } from '../helpers/scripted-target.ts'
import { connectTo, expectPacket, openTunnel } from './support/conversation.ts'
import { startNode, type TestNode } from './support/test-node.ts'

const HOST: Endpoint = { host: '127.0.0.1', port: 2179 }

let issuer: Issuer
let node: TestNode | undefined
let client: TestClient | undefined
let target: ScriptedTarget | undefined

beforeAll(async () => {
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 60_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Issuer' } as const
  issuer = await createIssuer(await issueCertificate({ ...leaf, key: 'rsa-2048' }))
})

afterEach(async () => {
  for (const { socket } of client?.connections ?? []) socket.destroy()
  await node?.gateway.close()
  target?.close()
})

/** A node that trusts the RSA issuer. */
async function start(fedAuthHosts?: Endpoint[]): Promise<TestNode> {
  const { certificate } = issuer
  node = await startNode({
    trust: createTrustList([{ certificate, purpose: 'gateway' }], Date.now()),
    ...(fedAuthHosts === undefined ? {} : { fedAuthHosts }),
  })
  return node
}

async function mint({ host, port } = HOST): Promise<Secret> {
  const exp = Math.floor(Date.now() / 1000) + 60
  const signed = await issuer.signFedAuth?.({ dst: `${host}:${port}`, exp })
  if (signed === undefined) throw new Error('an RSA issuer signs FedAuth tokens')
  return signed.token
}

/** What TUNNEL_CREATE with a FedAuth token is answered. */
async function present(started: TestNode): Promise<number> {
  client = await connectTo(started, 'websocket')
  client.send(requests.handshake())
  await expectPacket(client, PacketType.handshakeResponse)
  client.send(requests.tunnel(await mint()))
  const response = await expectPacket(client, PacketType.tunnelResponse)
  return decodeTunnelResponse(response.body).statusCode
}

test('refuses FedAuth tokens unless they are accepted', async () => {
  const started = await start()
  expect(await present(started)).toBe(0x8007_59f8)
  expect(started.logged('token.refused')).toMatchObject([
    { reason: 'token-malformed', error: 'token: FedAuth, which is not accepted here' },
  ])
})

test('refuses one towards a host that is not known to verify its own token', async () => {
  const started = await start([{ host: '127.0.0.1', port: 2180 }])
  expect(await present(started)).toBe(0x8007_59da)
  expect(started.logged('token.refused')).toMatchObject([
    {
      reason: 'policy-denied',
      error: 'Host: token names no VM, and 127.0.0.1:2179 is not listed as verifying its own token',
      binding: 'vm-unbound',
    },
  ])
})

test('relays one to any one VM of a host that does, and says in the log that it names none', async () => {
  target = await startTarget()
  const { port } = target
  const listed = { host: '127.0.0.1', port }
  const started = await start([listed])
  client = await connectTo(started, 'websocket')
  await openTunnel(client, await mint(listed))
  expect(started.logged('token.redeemed')).toMatchObject([
    {
      binding: 'vm-unbound',
      host: `127.0.0.1:${port}`,
      jti: expect.stringMatching(/^[0-9a-f]{64}$/),
    },
  ])
  client.send(requests.channel(port))
  const response = await expectPacket(client, PacketType.channelResponse)
  expect(decodeChannelResponse(response.body).errorCode).toBe(0)
  const bytes = blob('6e2d1b3c-0f4a-4c6d-9c7e-2b1a0d9e8f70')
  client.send(encodeData(bytes))
  const host = await target.next()
  expect(await host.receive(bytes.length)).toEqual(bytes)
})
