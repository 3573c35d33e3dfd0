import { once } from 'node:events'
import type { TLSSocket } from 'node:tls'
import { afterEach, beforeAll, expect, test } from 'vitest'
import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import type { NodeSecurity } from '../../src/host-agent/options.ts'
import { createIssuerPair, mintHost } from '../tokens/minting.ts'
import { trustIn } from '../tokens/trust.ts'
import {
  createPeers,
  dialTls,
  identify,
  opening,
  said,
  startAgent,
  type TestAgent,
} from './support.ts'

type Peers = Awaited<ReturnType<typeof createPeers>>

let peers: Peers
/** Of another control CA. */
let others: Peers
let issuer: KeyPair
let agent: TestAgent

beforeAll(async () => {
  peers = await createPeers()
  others = await createPeers()
  issuer = await createIssuerPair()
})

afterEach(() => agent.close())

const certificateOf = (set: Peers, pair = set.agent) => ({ ...pair, ca: set.ca })

async function start(): Promise<void> {
  const security: NodeSecurity = { ...certificateOf(peers), identify }
  agent = await startAgent({ issuer, security })
}

/** A connection as the node of these peers makes it. */
async function connect(set: Peers): Promise<TLSSocket> {
  const socket = dialTls(agent.address, set.ca, set.node)
  await once(socket, 'secureConnect')
  return socket
}

/** A console's own round trip. */
async function answers(socket: TLSSocket): Promise<void> {
  socket.write(opening(mintHost(issuer)))
  expect((await said(socket, 4)).toString()).toBe('pong')
}

const shownBy = (socket: TLSSocket) =>
  socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '')
const thumbprintOf = ({ agent: { certificatePem } }: Peers) =>
  readCertificate(certificatePem).sha256Thumbprint

test('nodes that connect from now on see another certificate, and an open console goes on', async () => {
  await start()
  const open = await connect(peers)
  await answers(open)
  agent.agent.replaceCertificate(certificateOf(others))
  const next = await connect(others)
  expect([shownBy(open), shownBy(next)]).toEqual([thumbprintOf(peers), thumbprintOf(others)])
  open.write('still there')
  expect((await said(open, 4)).toString()).toBe('pong')
  await answers(next)
  // Of the authority from before nobody is taken any more.
  const late = dialTls(agent.address, others.ca, peers.node)
  late.once('secureConnect', () => late.write(opening(mintHost(issuer))))
  expect(await said(late)).toHaveLength(0)
  expect(open.destroyed).toBe(false)
  for (const socket of [open, next]) socket.destroy()
})

test('a certificate without its key changes nothing', async () => {
  await start()
  const { privateKeyPem } = peers.otherAgent
  expect(() =>
    agent.agent.replaceCertificate({ ...certificateOf(others), privateKeyPem }),
  ).toThrow()
  const node = await connect(peers)
  expect(shownBy(node)).toBe(thumbprintOf(peers))
  node.destroy()
})

test('an agent on its own trusts other issuers from now on, and an open console goes on', async () => {
  await start()
  const open = await connect(peers)
  await answers(open)
  agent.agent.replaceTrust(trustIn({ gateway: [], host: [await createIssuerPair()] }))
  const next = await connect(peers)
  next.write(opening(mintHost(issuer)))
  expect((await said(next)).toString()).not.toContain('pong')
  expect(agent.log.at(-1)).toMatchObject({ event: 'host.refused', reason: 'issuer-unknown' })
  open.write('still there')
  expect((await said(open, 4)).toString()).toBe('pong')
  open.destroy()
})
