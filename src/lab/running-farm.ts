import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import type { KeyPair } from '../certs/index.ts'
import {
  BrokerError,
  type Endpoint,
  formatEndpoint,
  nowSeconds,
  systemClock,
} from '../lib/index.ts'
import { createIssuer, type GatewayClaims, type Issuer } from '../tokens/index.ts'
import type { Farm } from './farm.ts'
import { HYPERV_GUID, Machine, RECONNECT_SECONDS, SHORT_SESSION_SECONDS } from './inventory.ts'
import { LogBook } from './log-book.ts'
import { type Ticket, ticketOf } from './ticket.ts'

export interface RunningFarmOptions {
  gateway: Endpoint
  /** PEM of the authority behind the gateway's certificate; the system's when absent. */
  ca?: string
  /** Name of the farm, which tokens have to be for. */
  audience: string
  /** What the node's own file lists for purpose `lab`. */
  issuer: KeyPair
  /** The one target that it lists beside it. */
  echoHost: Endpoint
  /** Literal address of this machine for a second client; without one, such scenarios are left out. */
  secondAddress?: string
  /** What the node forgives; 5 when absent. */
  leewaySeconds?: number
  /** Lines of the node's log come into it, if anybody reads that. */
  book?: LogBook
  /** Ends what waits. */
  signal?: AbortSignal
}

const MINUTE_MS = 60_000
/** Nothing on the way takes time. */
const DIAL_TIMEOUT_MS = 10_000
/** A token lives so long unless a scenario waits for its end. */
const LIFE_SECONDS = 60
const BRIEF_SECONDS = 6
/** Clocks of two machines, and two processors that others use too: what an instant may be missed by. */
const BEFORE_MS = 2_000
const AFTER_MS = 1_000
/** A node notices within two seconds that a client has gone, and its line comes a moment later. */
const GONE_WITHIN_MS = 2_500
const LINE_WITHIN_MS = 10_000

/** What machines of the own farm's inventory are here, where there is an echo host alone. */
const CLAIMS_OF: Partial<Record<Machine, Partial<GatewayClaims>>> = {
  [Machine.plain]: {},
  [Machine.reconnect]: { rcw: RECONNECT_SECONDS },
  [Machine.sessionLimit]: { max: SHORT_SESSION_SECONDS },
  [Machine.idleLimit]: { idl: 1 },
  [Machine.hyperv]: { knd: 'hyperv', vmg: HYPERV_GUID },
}

/** One node of a farm in service, in real time, by tokens that its own file lets in and no broker knows. */
export class RunningFarm implements Farm {
  readonly farmName: string
  readonly clock = systemClock
  readonly book: LogBook
  readonly readsLog: boolean
  readonly ca: string | undefined
  readonly gateway: Endpoint
  readonly nodes: Farm['nodes']
  readonly clients: Farm['clients']
  readonly echoes = true
  readonly issuer: Issuer
  readonly issuerPair: KeyPair
  readonly instantMs = 1_000
  readonly idleMinuteMs = MINUTE_MS
  readonly briefSeconds = BRIEF_SECONDS
  readonly leewaySeconds: number
  readonly dropSeconds: number
  readonly #echoHost: Endpoint
  readonly #signal: AbortSignal | undefined

  /** @throws BrokerError `ERR_USAGE` for an issuer that the scenarios are not made for */
  static async open(options: RunningFarmOptions): Promise<RunningFarm> {
    const issuer = await createIssuer(options.issuer)
    if (issuer.algorithm !== 'ES256') {
      const message = `issuer: need an EC P-256 key, as \`certs issue\` makes it, have ${issuer.algorithm}`
      throw new BrokerError('ERR_USAGE', message)
    }
    return new RunningFarm(options, issuer, await clientsOf(options))
  }

  private constructor(options: RunningFarmOptions, issuer: Issuer, clients: Farm['clients']) {
    const { gateway, ca, audience, book, leewaySeconds = 5 } = options
    this.farmName = audience
    this.book = book ?? new LogBook(systemClock)
    this.readsLog = book !== undefined
    this.ca = ca
    this.gateway = gateway
    this.nodes = [{ name: formatEndpoint(gateway), address: gateway }]
    this.clients = clients
    this.issuer = issuer
    this.issuerPair = options.issuer
    this.leewaySeconds = leewaySeconds
    this.dropSeconds = book === undefined ? GONE_WITHIN_MS / 1000 : 0
    this.#echoHost = options.echoHost
    this.#signal = options.signal
  }

  async mint(machine: Machine, user: string, ttlSeconds = LIFE_SECONDS): Promise<Ticket> {
    const { host, port } = this.#echoHost
    const change = machine === Machine.forbidden ? {} : CLAIMS_OF[machine]
    if (change === undefined) throw new TypeError(`${machine}: there is none here`)
    const now = nowSeconds(this.clock)
    const dst = { host, port: machine === Machine.forbidden ? otherPort(port) : port }
    return ticketOf(
      await this.issuer.sign({
        ...{ iss: 'lab', aud: this.farmName.toLowerCase(), jti: randomUUID() },
        ...{ iat: now, nbf: now, exp: now + ttlSeconds },
        // Scenarios are walked at the same time: a machine for each, so that none ends another's window.
        ...{ tid: 'lab', sub: user, vm: `${machine}-${user}`, knd: 'rdp' },
        dst: formatEndpoint(dst),
        ...change,
      }),
    )
  }

  async moveTo(timeMs: number): Promise<void> {
    const leftMs = timeMs - this.clock.now()
    if (leftMs <= 0) return
    await wait(leftMs, undefined, this.#signal === undefined ? {} : { signal: this.#signal })
  }

  moveToEndOf(timeMs: number): Promise<void> {
    return this.moveTo(timeMs - BEFORE_MS)
  }

  moveJustPast(timeMs: number): Promise<void> {
    return this.moveTo(timeMs + AFTER_MS)
  }

  /** Without its log, a node says nothing about it. */
  async untilDropped(connectionId: string): Promise<void> {
    if (!this.readsLog) return this.moveTo(this.clock.now() + GONE_WITHIN_MS)
    await this.book.until(
      ({ event, fields }) => event === 'session.closed' && fields.connectionId === connectionId,
      LINE_WITHIN_MS,
    )
  }

  async close(): Promise<void> {}
}

/** On loopback most systems let a client come from any address of its network. */
async function clientsOf({ gateway, secondAddress }: RunningFarmOptions): Promise<Farm['clients']> {
  const isLoopback = gateway.host === 'localhost' || gateway.host.startsWith('127.')
  const [alice, bob] =
    isLoopback && (await isReachedFrom('127.0.0.2', gateway)) ? ['127.0.0.1', '127.0.0.2'] : []
  return { alice, bob: secondAddress ?? bob }
}

/** @param from an IPv4 address */
function isReachedFrom(from: string, { host, port }: Endpoint): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port, localAddress: from, family: 4, timeout: DIAL_TIMEOUT_MS })
  const end = (isReached: boolean) => () => {
    socket.destroy()
    resolve(isReached)
  }
  socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  return promise
}

function otherPort(port: number): number {
  return port === 1 ? 2 : 1
}
