import { once } from 'node:events'
import { createServer } from 'node:net'
import type { DevelopmentCertificates, KeyPair } from '../certs/index.ts'
import { createDemoHost } from '../demo/index.ts'
import { BrokerError, type Clock, Secret, silentLog } from '../lib/index.ts'
import { createIssuer, type Issuer } from '../tokens/index.ts'
import {
  AGENT_HOST,
  createLabCertificates,
  createOtherIssuer,
  FARM_NAME,
  NODE_NAMES,
} from './certificates.ts'
import { type LabClock, skewed } from './clock.ts'
import type { Farm, Node } from './farm.ts'
import { startHyperVHost } from './hyperv-host.ts'
import { AGENT_GUID, fillInventory, type Machine } from './inventory.ts'
import { type Link, openLink } from './link.ts'
import type { LogBook } from './log-book.ts'
import type { LabBroker, LabRoles, LabVerifier } from './roles.ts'
import { type Ticket, ticketOf } from './ticket.ts'

/** A node of the lab; `link` for one whose way to the broker can break. */
export interface OwnNode extends Node {
  clock: Clock
  link?: Link
  figures: LabVerifier['figures']
  close(): Promise<void>
}

export interface NodeWishes {
  /** How far its clock is ahead. */
  skewSeconds?: number
  /** With a way to the broker that can break. */
  breakable?: boolean
  whenBrokerAway?: 'local' | 'refuse'
}

/**
 * Timers, which no clock moves: a session limit of 60 s takes one and a half here, an idle minute as long, so that
 * on a busy machine a session is still open before it ends.
 */
const SESSION_SECOND_MS = 25
const IDLE_MINUTE_MS = 1_500
/** The longest there is: only a scenario's own node shall ever be stale. */
const MAX_TRUST_AGE_HOURS = 720
/** For what the parts tell each other; heartbeats are a fraction of a second apart here. */
const SETTLE_WITHIN_MS = 10_000

export interface OwnFarmOptions {
  roles: LabRoles
  clock: LabClock
  book: LogBook
}

/** Two clients of one machine: any address of 127.0.0.0/8 may be come from on Linux. */
const CLIENTS = { alice: '127.0.0.1', bob: '127.0.0.2' }

/** The laboratory's own: everything on loopback and in this process, under its clock. */
export class OwnFarm implements Farm {
  readonly farmName = FARM_NAME
  readonly readsLog = true
  readonly echoes = false
  readonly clients = CLIENTS
  readonly instantMs = 1
  readonly idleMinuteMs = IDLE_MINUTE_MS
  /** The product's defaults. */
  readonly briefSeconds = 60
  readonly leewaySeconds = 5
  readonly dropSeconds = 0
  readonly clock: LabClock
  readonly book: LogBook
  readonly broker: LabBroker
  /** PEM of the authority behind the nodes' certificates. */
  readonly ca: string
  /** The two that are always there. */
  readonly nodes: OwnNode[] = []
  /** What the broker signs with; the lab has made it, and so has its key. */
  issuer: Issuer
  issuerPair: KeyPair
  readonly #options: OwnFarmOptions
  readonly #certificates: DevelopmentCertificates
  readonly #targetPorts: number[]
  readonly #agent: LabVerifier
  readonly #running = new Set<OwnNode>()
  readonly #parts: AsyncDisposableStack

  static async start(options: OwnFarmOptions): Promise<OwnFarm> {
    const { roles, clock, book } = options
    await using starting = new AsyncDisposableStack()
    const certificates = await createLabCertificates(clock.now())
    const { authority, issuer, portalTls, gatewayTls, brokerControl, controlAuthority } =
      certificates
    const rdpHost = createDemoHost({
      name: 'Laboratory',
      tls: portalTls,
      clock,
      log: silentLog,
    })
    starting.defer(() => rdpHost.close())
    const hypervHost = await startHyperVHost(gatewayTls.gw1 ?? portalTls)
    starting.defer(() => hypervHost.close())
    const broker = await roles.startBroker({
      farmName: FARM_NAME,
      tls: portalTls,
      ca: authority.certificatePem,
      issuer,
      control: { tls: brokerControl, ca: controlAuthority.certificatePem },
      clock,
      log: book.open('broker'),
    })
    starting.defer(() => broker.close())
    const { port: rdp } = await rdpHost.listen()
    const agent = await roles.startAgent({
      name: AGENT_HOST,
      control: {
        tls: certificates.agentControl[AGENT_HOST] ?? brokerControl,
        ca: controlAuthority.certificatePem,
        broker: broker.control,
      },
      consoles: { [AGENT_GUID]: rdp },
      clock,
      log: book.open(AGENT_HOST),
    })
    starting.defer(() => agent.close())
    const ports = {
      rdp,
      hyperv: hypervHost.port,
      agent: agent.address.port,
      off: await closedPort(),
      forbidden: 1,
    }
    await fillInventory(broker, ports)
    const farm = new OwnFarm(options, {
      broker,
      certificates,
      issuer: await createIssuer(issuer),
      targetPorts: [ports.rdp, ports.hyperv, ports.agent, ports.off],
      agent,
      parts: starting.move(),
    })
    try {
      farm.nodes.push(await farm.startNode(), await farm.startNode())
      return farm
    } catch (error) {
      await farm.close()
      throw error
    }
  }

  private constructor(
    options: OwnFarmOptions,
    made: {
      broker: LabBroker
      certificates: DevelopmentCertificates
      issuer: Issuer
      targetPorts: number[]
      agent: LabVerifier
      parts: AsyncDisposableStack
    },
  ) {
    this.#options = options
    this.clock = options.clock
    this.book = options.book
    this.broker = made.broker
    this.#certificates = made.certificates
    this.ca = made.certificates.authority.certificatePem
    this.issuer = made.issuer
    this.issuerPair = made.certificates.issuer
    this.#targetPorts = made.targetPorts
    this.#agent = made.agent
    this.#parts = made.parts
  }

  /** A node with the next free name; resolves when it has its trust. */
  async startNode(wishes: NodeWishes = {}): Promise<OwnNode> {
    const { skewSeconds = 0, breakable = false, whenBrokerAway = 'local' } = wishes
    const taken = [...this.#running].map(({ name }) => name)
    const name = NODE_NAMES.find((candidate) => !taken.includes(candidate))
    const { gatewayTls, gatewayControl, controlAuthority } = this.#certificates
    const tls = gatewayTls[name ?? '']
    const controlTls = gatewayControl[name ?? '']
    if (name === undefined || tls === undefined || controlTls === undefined) {
      throw new TypeError(`the lab has ${NODE_NAMES.length} nodes at most`)
    }
    const clock = skewed(this.clock, skewSeconds)
    const link = breakable ? await openLink(this.broker.control) : undefined
    const node = await this.#options.roles.startNode({
      name,
      farmName: FARM_NAME,
      tls,
      control: {
        tls: controlTls,
        ca: controlAuthority.certificatePem,
        broker: link?.address ?? this.broker.control,
      },
      whenBrokerAway,
      maxTrustAgeHours: breakable ? 24 : MAX_TRUST_AGE_HOURS,
      targetPorts: this.#targetPorts,
      idleMinuteMs: IDLE_MINUTE_MS,
      sessionSecondMs: SESSION_SECOND_MS,
      clock,
      log: this.book.open(name),
    })
    const started: OwnNode = {
      name,
      address: node.address,
      clock,
      ...(link === undefined ? {} : { link }),
      figures: () => node.figures(),
      close: async () => {
        this.#running.delete(started)
        await node.close()
        link?.close()
      },
    }
    this.#running.add(started)
    await this.settle()
    return started
  }

  /** Moves everybody's clock, and waits until broker and nodes have spoken since. */
  async moveTo(timeMs: number): Promise<void> {
    this.clock.moveTo(timeMs)
    await this.settle()
  }

  moveToEndOf(timeMs: number): Promise<void> {
    return this.moveTo(timeMs - this.instantMs)
  }

  moveJustPast(timeMs: number): Promise<void> {
    return this.moveTo(timeMs)
  }

  async moveBy(seconds: number): Promise<void> {
    await this.moveTo(this.clock.now() + seconds * 1000)
  }

  /** Breaks a node's way to its broker; resolves when it knows, so that no word of the broker's is still to come. */
  async cut({ name, link }: OwnNode): Promise<void> {
    const known = this.book.next(
      ({ role, event }) => role === name && event === 'control.disconnected',
      SETTLE_WITHIN_MS,
    )
    link?.cut()
    if ((await known) !== undefined) return
    throw new BrokerError('ERR_DEADLINE', `${name}: does not notice that its broker is gone`)
  }

  /** Resolves when every node that can has heard its broker at this time, and has its trust set. */
  async settle(): Promise<void> {
    const reachable = this.#reachable()
    await this.until('nodes that have heard their broker', async () =>
      reachable.every(({ clock, figures }) => {
        const { trustConfirmedMs = 0, trustVersion } = figures()
        return trustVersion !== undefined && trustConfirmedMs >= clock.now()
      }),
    )
  }

  /** Resolves when every node that can has the trust set of this version. */
  async settleTrust(version: number): Promise<void> {
    const reachable = this.#reachable()
    await this.until(`trust version ${version} at the nodes`, async () =>
      reachable.every(({ figures }) => (figures().trustVersion ?? 0) >= version),
    )
  }

  /** @throws BrokerError `ERR_DEADLINE`: something in the farm does not do what it should */
  async until(what: string, isSo: () => Promise<boolean>): Promise<void> {
    const endsAtMs = performance.now() + SETTLE_WITHIN_MS
    while (!(await isSo())) {
      if (performance.now() > endsAtMs) {
        throw new BrokerError('ERR_DEADLINE', `${what}: not within ${SETTLE_WITHIN_MS} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, 10))
    }
  }

  /** A console of the broker's own making. */
  async mint(vm: Machine, user: string, ttlSeconds = this.briefSeconds): Promise<Ticket> {
    // Shapes of our own API.
    const opened = (await this.broker.api('POST', '/v1/consoles', { vm, user, ttlSeconds })) as {
      id: string
      ref: string
      gatewayToken: string
      hostToken?: string
    }
    const { id, ref, gatewayToken, hostToken } = opened
    return ticketOf(new Secret(gatewayToken), {
      grant: { id, ref },
      ...(hostToken === undefined ? {} : { hostToken: new Secret(hostToken) }),
    })
  }

  /** The sessions of one user that are open, as the broker has them. */
  async sessions(user: string): Promise<Array<{ id: string; tunnel: string }>> {
    const list = await this.broker.api('GET', `/v1/sessions?user=${encodeURIComponent(user)}`)
    // The shape of our own API.
    return (list as { items: Array<{ id: string; tunnel: string }> }).items
  }

  async untilDropped(connectionId: string, user: string): Promise<void> {
    const closed = await this.book.until(
      ({ event, fields }) => event === 'session.closed' && fields.connectionId === connectionId,
      SETTLE_WITHIN_MS,
    )
    const tunnel = closed?.fields.tunnel
    await this.until('a session that is over', async () =>
      (await this.sessions(user)).every((session) => session.tunnel !== tunnel),
    )
  }

  /** The broker signs with another issuer from now on. */
  async rotate(): Promise<void> {
    const pair = await createOtherIssuer('lab token issuer 2', this.clock.now())
    const files = this.broker.addIssuer(pair)
    await this.until('a rotation', async () => {
      const state = await this.broker.api('POST', '/v1/issuers/rotation', files)
      return (state as { step: string }).step === 'done'
    })
    this.issuerPair = pair
    this.issuer = await createIssuer(pair)
    await this.#settleLatestTrust()
  }

  /** Has everybody trust an issuer that is not the broker's. */
  async trust({ certificate }: Issuer, terms: object): Promise<void> {
    const body = { certificatePem: certificate.pem, ...terms }
    await this.broker.api('PUT', `/v1/issuers/${certificate.sha256Thumbprint}`, body)
    await this.#settleLatestTrust()
  }

  async distrust({ certificate }: Issuer): Promise<void> {
    await this.broker.api('DELETE', `/v1/issuers/${certificate.sha256Thumbprint}`)
    await this.#settleLatestTrust()
  }

  async close(): Promise<void> {
    await Promise.all([...this.#running].map((node) => node.close()))
    await this.#parts.disposeAsync()
  }

  /** Who has a broker, and the agent. */
  #reachable(): Pick<OwnNode, 'clock' | 'figures'>[] {
    const nodes = [...this.#running].filter(({ link }) => link?.whole !== false)
    return [...nodes, { clock: this.clock, figures: () => this.#agent.figures() }]
  }

  async #settleLatestTrust(): Promise<void> {
    const { trustVersion } = (await this.broker.api('GET', '/v1/issuers')) as {
      trustVersion: number
    }
    await this.settleTrust(trustVersion)
  }
}

/** A port that was free a moment ago. */
async function closedPort(): Promise<number> {
  const server = createServer().listen({ host: '127.0.0.1', port: 0 })
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new TypeError('no port')
  return address.port
}
