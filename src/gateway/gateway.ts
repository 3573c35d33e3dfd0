import { createSecureContext } from 'node:tls'
import type { ControlCertificate } from '../control/index.ts'
import { type CertificateEnd, Refusal } from '../lib/index.ts'
import { issuerEnd, type TrustList } from '../tokens/index.ts'
import type { AgentSecurity } from './agent-connection.ts'
import { Connections } from './connections.ts'
import type { TimedDrainOrder } from './drain.ts'
import { createListener, type Listener, type TlsFiles } from './listener.ts'
import { GatewayNode } from './node.ts'
import type { GatewayOptions } from './options.ts'
import { Requests } from './requests.ts'
import { type QueuedBytes, sumQueued } from './sessions.ts'

/** How a node stands, for whoever watches it. */
export interface GatewayFigures {
  /** Connections without a tunnel yet. */
  halfOpen: number
  queued: QueuedBytes
  /** Undefined for a node that no broker leads. */
  trustVersion: number | undefined
  /** When a broker last confirmed the trust set; undefined before that, and without a broker. */
  trustConfirmedMs: number | undefined
  /** Issuers that it trusts, named `issuer:` and the first 8 digits of the SHA-256 thumbprint. */
  issuers: CertificateEnd[]
}

const TELL_STATE_EVERY_MS = 10_000

/** One running node. */
export interface Gateway {
  /**
   * Starts every listener.
   *
   * @returns `host:port` as bound, in the order of the options
   * @throws BrokerError `ERR_START` when an address can't be taken; then it listens on none
   */
  listen(): Promise<{ address: string }[]>
  /**
   * Serves new connections with another certificate; live ones keep theirs.
   *
   * @throws Error when TLS can't use it; then every listener keeps the one it has
   */
  replaceCertificate(certificate: TlsFiles): void
  /** Other issuers from now on; without effect on live tunnels, and on a node whose broker keeps them. */
  replaceTrust(trust: TrustList): void
  /**
   * Dials its broker anew with another control certificate, on a node that has one; live tunnels stay.
   *
   * @throws Error when TLS can't use it; then all stays as it is
   */
  replaceControlCertificate(certificate: ControlCertificate): void
  /** Dials host agents so from now on; live tunnels stay. */
  replaceAgentSecurity(security: AgentSecurity): void
  figures(): GatewayFigures
  /**
   * Admits no new tunnels and says so on `/readyz`; live ones go on until the deadline.
   *
   * @param order undefined: back in service. A broker's word, where there is one, comes at every heartbeat.
   */
  drain(order: TimedDrainOrder | undefined): void
  /** Ends every tunnel with `node-stopped` and closes everything; resolves when that is done. */
  close(): Promise<void>
}

/** @throws ConfigError for a target rule that is no network */
export function createGateway(options: GatewayOptions): Gateway {
  const { tls: certificate, listeners } = options
  const node = new GatewayNode(options)
  const requests = new Requests(node)
  const { limits, log } = node
  const onConnection = requests.serve.bind(requests)
  const connections = new Connections(limits, () => node.observer.refused('limit-reached'))
  const balancers = listeners.flatMap(({ from = [] }) => from)
  const servers = listeners.map((listener) =>
    createListener({
      ...listener,
      certificate,
      balancers,
      connections,
      limits,
      log,
      strangerLevel: node.strangerLevel,
      onConnection,
    }),
  )
  // Trust grows stale in silence, when nobody says anything.
  let stateTimer: NodeJS.Timeout | undefined
  return {
    async listen() {
      const addresses = await listenOnAll(servers, connections)
      node.tellState()
      stateTimer = setInterval(() => node.tellState(), TELL_STATE_EVERY_MS)
      node.control?.client.start()
      return addresses.map((address) => ({ address }))
    },
    replaceCertificate(replacement) {
      // Proves it once, so that the listeners take it all or none.
      createSecureContext({ cert: replacement.certificatePem, key: replacement.privateKeyPem })
      for (const server of servers) server.replaceCertificate(replacement)
    },
    replaceTrust: (trust) => node.replaceTrust(trust),
    replaceControlCertificate: (replacement) =>
      node.control?.client.replaceCertificate(replacement),
    replaceAgentSecurity(security) {
      node.agents = security
    },
    figures: () => ({
      halfOpen: node.halfOpen.total,
      queued: sumQueued(node.sessions.all()),
      trustVersion: node.trust.version,
      trustConfirmedMs: node.trust.confirmedMs,
      issuers: node.trust.list.issuers.map(issuerEnd),
    }),
    drain: (order) => void node.drain.apply(order),
    async close() {
      node.stopping = true
      clearInterval(stateTimer)
      node.drain.close()
      node.prober.close()
      for (const server of servers) server.stop()
      requests.close()
      await node.sessions.endAll(new Refusal('node-stopped', 'this node stops'))
      // After the sessions, so that the broker hears of their ends.
      await node.control?.client.close()
      connections.destroyAll()
      log.info('node.state', { state: 'stopped' })
    },
  }
}

/** A node on some of its addresses would keep the process alive and not be what was asked for. */
async function listenOnAll(
  listeners: readonly Listener[],
  connections: Connections,
): Promise<string[]> {
  const listening = listeners.map((listener) => listener.listen())
  await Promise.allSettled(listening)
  try {
    return await Promise.all(listening)
  } catch (error) {
    for (const listener of listeners) listener.stop()
    connections.destroyAll()
    throw error
  }
}
