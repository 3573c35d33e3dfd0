import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import {
  controlIdentityOf,
  createAuthority,
  issueCertificate,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import {
  createHostAgent,
  createStaticConsoles,
  type HostAgent,
  type HostAgentOptions,
} from '../../src/host-agent/index.ts'
import { createLog, type Endpoint, type LogFields, type Secret } from '../../src/lib/index.ts'
import {
  encodeConnectionRequest,
  encodePreconnectionBlob,
  encodeProxyV2,
} from '../../src/protocol/index.ts'
import { createMemoryLedger } from '../../src/tokens/index.ts'
import { createIssuerPair, NOW, VM_GUID } from '../tokens/minting.ts'
import { trustIn } from '../tokens/trust.ts'

export const REQUEST = encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: 3 } })
const COMMON = {
  organization: 'Example',
  notBefore: new Date(Date.now() - 60_000),
  days: 2,
}

/** A control CA, a node, an agent for hv1.example and 127.0.0.1. */
export async function createPeers() {
  const authority = await createAuthority({ ...COMMON, commonName: 'Control' })
  const issue = (role: 'node' | 'agent', name: string, names: string[]): Promise<KeyPair> =>
    issueCertificate({
      ...{ ...COMMON, days: 1, authority, commonName: name, role: 'control' },
      identity: { role, name },
      names,
    })
  return {
    ca: authority.certificatePem,
    node: await issue('node', 'gw1', ['gw1']),
    agent: await issue('agent', 'hv1', ['hv1.example', '127.0.0.1']),
    otherAgent: await issue('agent', 'hv2', ['hv2.example']),
  }
}

export const identify = (certificate: Uint8Array) => controlIdentityOf(readCertificate(certificate))

/** A console that keeps what it gets and answers each read with `pong`. */
export async function startConsole() {
  const received: Buffer[] = []
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.on('data', (bytes) => {
      received.push(bytes)
      socket.write('pong')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return {
    address: { host: '127.0.0.1', port: address.port },
    received: () => Buffer.concat(received),
    sockets,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

export type TestConsole = Awaited<ReturnType<typeof startConsole>>

export interface TestAgent {
  agent: HostAgent
  address: Endpoint
  console: TestConsole
  /** Signs host tokens that it trusts. */
  issuer: KeyPair
  clock: { nowMs: number }
  log: LogFields[]
  close(): Promise<void>
}

/** An agent for host hv1 with one machine. */
export async function startAgent(
  change: Partial<HostAgentOptions> & { issuer?: KeyPair } = {},
): Promise<TestAgent> {
  const { issuer = await createIssuerPair(), ...options } = change
  const console = await startConsole()
  const clock = { nowMs: NOW * 1000 }
  const time = { now: () => clock.nowMs }
  const log: LogFields[] = []
  const agent = createHostAgent({
    agent: 'hv1',
    host: 'hv1',
    listen: { host: '127.0.0.1', port: 0 },
    security: 'plain',
    trust: trustIn({ gateway: [], host: [issuer] }),
    ledger: createMemoryLedger({ clock: time, clientBinding: 'address' }),
    consoles: createStaticConsoles({
      [VM_GUID.toUpperCase()]: { address: console.address, proxy: false },
    }),
    leewaySeconds: 5,
    clock: time,
    log: createLog({ stream: { write: (line) => void log.push(JSON.parse(line)) } }),
    ...options,
    limits: { closeMs: 300, ...options.limits },
  })
  const address = await agent.listen()
  return {
    ...{ agent, address, console, issuer, clock, log },
    async close() {
      await agent.close()
      console.close()
    },
  }
}

/** What a node puts in front, then the client's blob and connection request. */
export function opening(token: Secret, { client = '192.0.2.7', guid = VM_GUID } = {}): Buffer {
  return Buffer.concat([
    encodeProxyV2({
      source: { address: client, port: 40_000 },
      destination: { address: '192.0.2.1', port: 443 },
    }),
    encodePreconnectionBlob({ version: 2, id: 0, text: `${guid};Token=${token.reveal()}` }),
    REQUEST,
  ])
}

/** All that a socket says until it ends, or until it has said `enough` bytes. */
export function said(socket: Socket, enough = Number.POSITIVE_INFINITY): Promise<Buffer> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0)
    const finish = (): void => resolve(bytes)
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (bytes.length >= enough) finish()
    })
    socket.on('error', finish).on('end', finish).on('close', finish)
  })
}

/** A TLS connection as a node makes it, or somebody who has another certificate. */
export function dialTls({ port }: Endpoint, ca: string, pair?: KeyPair) {
  return connectTls({
    ...{ host: '127.0.0.1', port, ca, checkServerIdentity: () => undefined },
    ...(pair === undefined ? {} : { cert: pair.certificatePem, key: pair.privateKeyPem }),
  })
}
