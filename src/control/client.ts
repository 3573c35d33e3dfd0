import { Agent } from 'node:https'
import { createSecureContext } from 'node:tls'
import {
  BrokerError,
  type Endpoint,
  errorText,
  formatEndpoint,
  ProtocolError,
  type Reason,
} from '../lib/index.ts'
import { redialPauseMs } from './backoff.ts'
import { decodeToNode, encodeMessage } from './codec.ts'
import type { ControlCertificate, ControlEndOptions } from './end-options.ts'
import { type ControlLimits, DEFAULT_CONTROL_LIMITS } from './limits.ts'
import { PendingRedeems } from './pending-redeems.ts'
import {
  type LiveTunnel,
  MAX_USAGES,
  type NodeStatus,
  type ProbeResult,
  probeResult,
  type RedeemRequest,
  type SessionEvent,
  type ToBrokerMessage,
} from './to-broker.ts'
import {
  type DrainOrder,
  type KillMessage,
  MAX_BYTES_TO_NODE,
  type ProbeMessage,
  type RedeemAnswer,
  type RevocationMessage,
  type ToNodeMessage,
  type TrustSet,
  type UserMessage,
} from './to-node.ts'
import { PROTOCOL_VERSIONS } from './versions.ts'
import { CloseCode, CONTROL_PATH, dialLink, type Link } from './websocket.ts'

/** Versions of both sets; 0 for none. */
export interface Versions {
  trust: number
  revocations: number
}

/** What a node does with what the broker says. None of them waits; what one throws ends the connection. */
export interface ControlHandlers {
  /** What is applied now. */
  versions(): Versions
  /** @throws BrokerError for a set that can't be used: it is not acknowledged, and what was there stays */
  applyTrust(set: TrustSet): void
  /** @throws BrokerError when it builds on a version that isn't there: the whole set comes on the next connection */
  applyRevocations(change: RevocationMessage): void
  /**
   * The broker's current versions, at every heartbeat: what equals them is not stale.
   *
   * @param clockOffsetMs our clock minus the broker's, and the time that the answer took
   */
  confirm(current: Versions, clockOffsetMs: number): void
  /**
   * At every heartbeat, and whenever it has changed.
   *
   * @param order undefined: the node is in service; `leftMs` until its deadline, which may be over
   */
  drain(order: (DrainOrder & { leftMs: number }) | undefined): void
  /** How the node stands, for the heartbeat; undefined for a peer that is no node. */
  status(): NodeStatus | undefined
  kill(message: KillMessage): void
  message(message: UserMessage): void
  /** Absent from a peer that dials no hosts. */
  probe?(message: ProbeMessage): void
  /** Live tunnels, whose leases the heartbeat renews, with what they have used where that is known. */
  tunnels(): LiveTunnel[]
  /** After every welcome: what was decided without a broker can be reported now. */
  connected(): void
}

/** Of the peers that `identify` knows, only a broker is taken. */
export interface ControlClientOptions extends ControlEndOptions {
  broker: Endpoint
  /** Version of this software, for the operator. */
  software: string
  handlers: ControlHandlers
}

export interface ControlClient {
  /** Dials, and dials again whenever the connection is gone. */
  start(): void
  /** The broker has welcomed us, and the connection stands as far as we know. */
  readonly connected: boolean
  /** @throws BrokerError `ERR_NO_ANSWER` at once without a connection, else after 1 s at most */
  redeem(request: RedeemRequest): Promise<RedeemAnswer>
  /** Lost without a connection: the lease then ends by itself. */
  release(tunnel: string, reason?: Reason): void
  /** Kept while no broker is there, up to a limit. */
  event(event: SessionEvent): void
  /** Lost without a connection: what it says would be old. */
  probed(result: ProbeResult): void
  /** A heartbeat before its time, since what {@link ControlHandlers.status} says has changed. */
  report(): void
  /**
   * Dials anew with another certificate. What waits for an answer meanwhile is asked again: of its change nobody
   * notices anything but the broker.
   *
   * @throws Error when TLS can't use it; then all stays as it is
   */
  replaceCertificate(certificate: ControlCertificate): void
  close(): Promise<void>
}

/** The node's (or agent's) end of the control channel. */
export function createControlClient(options: ControlClientOptions): ControlClient {
  return new Client(options)
}

class Client implements ControlClient {
  readonly #options: ControlClientOptions
  readonly #limits: ControlLimits
  #agent: Agent
  readonly #redeems: PendingRedeems
  #link: Link<ToNodeMessage> | undefined
  #connected = false
  /** On the way from one certificate to another: the old connection is ended, then the new one dialled. */
  #renewal: 'closing' | 'dialling' | undefined
  #connectedAtMs = 0
  #failures = 0
  #stopped = false
  #redial: NodeJS.Timeout | undefined
  #welcomeTimer: NodeJS.Timeout | undefined
  #heartbeat: NodeJS.Timeout | undefined
  #queuedEvents: SessionEvent[] = []

  constructor(options: ControlClientOptions) {
    this.#options = options
    this.#limits = { ...DEFAULT_CONTROL_LIMITS, ...options.limits }
    this.#redeems = new PendingRedeems(this.#limits)
    this.#agent = createAgent(options, options)
  }

  get connected(): boolean {
    return this.#connected
  }

  start(): void {
    const { broker, software } = this.#options
    const link = dialLink<ToNodeMessage>({
      url: `wss://${formatEndpoint(broker)}${CONTROL_PATH}`,
      agent: this.#agent,
      maxBytes: MAX_BYTES_TO_NODE,
      decode: decodeToNode,
      onOpen: () => this.#send({ type: 'hello', protocols: [...PROTOCOL_VERSIONS], software }),
      onMessage: (message) => this.#onMessage(message),
      limits: this.#limits,
    })
    this.#link = link
    const { welcomeMs } = this.#limits
    this.#welcomeTimer = setTimeout(() => {
      const late = new BrokerError('ERR_DEADLINE', `welcome: not within ${welcomeMs} ms`)
      link.close(CloseCode.protocolError, late)
    }, welcomeMs)
    void link.ended.then((cause) => this.#onEnded(cause))
  }

  async redeem(request: RedeemRequest): Promise<RedeemAnswer> {
    if (!this.#connected && this.#renewal === undefined) {
      throw new BrokerError('ERR_NO_ANSWER', 'broker: not connected')
    }
    const { number, answer } = this.#redeems.open(request)
    if (this.#connected) this.#send({ type: 'redeem', request: number, ...request })
    return answer
  }

  release(tunnel: string, reason?: Reason): void {
    if (!this.#connected) return
    this.#sendSoon({ type: 'release', tunnel, ...(reason === undefined ? {} : { reason }) })
  }

  event(event: SessionEvent): void {
    if (this.#connected) {
      this.#sendSoon({ type: 'event', ...event })
      return
    }
    this.#queuedEvents.push(event)
    if (this.#queuedEvents.length > this.#limits.maxQueuedEvents) this.#queuedEvents.shift()
  }

  probed(result: ProbeResult): void {
    if (!this.#connected) return
    // A broker ends the channel for what it can't read, and much of this is what a host says of itself.
    const message = probeResult.safeParse({ type: 'probe.result', ...result })
    if (message.success) this.#sendSoon(message.data)
    else this.#options.log.error('control.failed', { work: 'probed', error: message.error.message })
  }

  report(): void {
    if (this.#connected) this.#beat()
  }

  replaceCertificate(certificate: ControlCertificate): void {
    const { tls, ca } = certificate
    // Proves it before anything is given up: an agent looks at its certificate only when it dials.
    createSecureContext({ cert: tls.certificatePem, key: tls.privateKeyPem, ca })
    this.#agent = createAgent(certificate, this.#options)
    if (this.#link === undefined || this.#stopped) return
    this.#renewal = 'closing'
    this.#connected = false
    clearInterval(this.#heartbeat)
    this.#link.close(CloseCode.normal, new BrokerError('ERR_CLOSED', 'another certificate'))
  }

  async close(): Promise<void> {
    this.#stopped = true
    clearTimeout(this.#redial)
    const link = this.#link
    if (link !== undefined) {
      link.close(CloseCode.normal, new BrokerError('ERR_CLOSED', 'this node stops'))
      await link.ended
    }
    this.#agent.destroy()
  }

  #onMessage(message: ToNodeMessage): void {
    if (message.type === 'welcome') {
      this.#onWelcome(message)
      return
    }
    if (!this.#connected) {
      const early = `${message.type} before welcome`
      throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'CONTROL', 'type', early)
    }
    const { handlers } = this.#options
    switch (message.type) {
      case 'trust':
        this.#applyTrust(message)
        break
      case 'revocations':
        handlers.applyRevocations(message)
        this.#send({ type: 'revocations.applied', version: handlers.versions().revocations })
        break
      case 'redeem.answer': {
        const { type, request, ...answer } = message
        this.#redeems.answer(request, answer)
        break
      }
      case 'heartbeat.answer': {
        const { time, trustVersion, revocationVersion, drain } = message
        const versions = { trust: trustVersion, revocations: revocationVersion }
        handlers.confirm(versions, this.#options.clock.now() - time)
        handlers.drain(drain && { ...drain, leftMs: drain.deadline - time })
        break
      }
      case 'kill':
        handlers.kill(message)
        break
      case 'message':
        handlers.message(message)
        break
      case 'probe':
        handlers.probe?.(message)
        break
    }
  }

  #onWelcome({ protocol, broker, time }: Extract<ToNodeMessage, { type: 'welcome' }>): void {
    if (this.#connected || !PROTOCOL_VERSIONS.includes(protocol)) {
      const what = this.#connected ? 'a second welcome' : `unknown protocol ${protocol}`
      throw new ProtocolError('ERR_PACKET_UNEXPECTED', 'CONTROL', 'welcome', what)
    }
    clearTimeout(this.#welcomeTimer)
    this.#connected = true
    this.#renewal = undefined
    this.#connectedAtMs = performance.now()
    const { clock, handlers, log } = this.#options
    log.info('control.connected', { broker, protocol, clockOffsetMs: clock.now() - time })
    this.#heartbeat = setInterval(() => this.#beat(), this.#limits.heartbeatMs)
    this.#beat()
    for (const { number, request } of this.#redeems.waiting()) {
      this.#send({ type: 'redeem', request: number, ...request })
    }
    for (const event of this.#queuedEvents.splice(0)) this.#send({ type: 'event', ...event })
    handlers.connected()
  }

  /** One set that can't be used is no reason to lose the channel: the old one stays, and ages. */
  #applyTrust(set: TrustSet): void {
    const { handlers, log } = this.#options
    try {
      handlers.applyTrust(set)
    } catch (error) {
      log.error('trust.refused', { trustVersion: set.version, error: errorText(error) })
      return
    }
    this.#send({ type: 'trust.applied', version: handlers.versions().trust })
  }

  #beat(): void {
    const { handlers, clock } = this.#options
    const tunnels = handlers.tunnels()
    const { trust, revocations } = handlers.versions()
    const status = handlers.status()
    for (let from = 0; from === 0 || from < tunnels.length; from += MAX_USAGES) {
      const part = tunnels.slice(from, from + MAX_USAGES)
      this.#send({
        type: 'heartbeat',
        time: clock.now(),
        trustVersion: trust,
        revocationVersion: revocations,
        tunnels: part.map(({ tunnel }) => tunnel),
        usage: part.filter((tunnel) => tunnel.transport !== undefined),
        ...(status === undefined ? {} : { status }),
      })
    }
  }

  #onEnded(cause: Error): void {
    clearTimeout(this.#welcomeTimer)
    clearInterval(this.#heartbeat)
    const wasConnected = this.#connected
    this.#connected = false
    this.#link = undefined
    if (this.#renewal === 'closing' && !this.#stopped) {
      this.#renewal = 'dialling'
      this.start()
      return
    }
    this.#renewal = undefined
    this.#redeems.abandon(cause)
    if (this.#stopped) return
    // Two nodes with one certificate replace each other: a short connection doesn't shorten the pause.
    const lastedMs = wasConnected ? performance.now() - this.#connectedAtMs : 0
    this.#failures = lastedMs > this.#limits.heartbeatMs ? 1 : this.#failures + 1
    this.#tellEnd(wasConnected, cause)
    const pauseMs = redialPauseMs(this.#failures, Math.random(), this.#limits)
    this.#redial = setTimeout(() => this.start(), pauseMs)
  }

  /** An outage is told once: a line for every attempt, every few seconds, would fill the log. */
  #tellEnd(wasConnected: boolean, cause: Error): void {
    const { log, broker } = this.#options
    const fields = { broker: formatEndpoint(broker), error: errorText(cause) }
    if (wasConnected) log.warn('control.disconnected', fields)
    else if (this.#failures === 1) log.warn('control.unreachable', fields)
    else log.debug('control.unreachable', fields)
  }

  #send(message: ToBrokerMessage): void {
    this.#link?.send(encodeMessage(message))
  }

  /** For what the broker need not know this instant. */
  #sendSoon(message: ToBrokerMessage): void {
    this.#link?.sendSoon(encodeMessage(message))
  }
}

/** Name checks of the Web don't apply: the control CA signs for us alone, and the URI says who a peer is. */
function createAgent(
  { tls, ca }: ControlCertificate,
  { identify }: Pick<ControlClientOptions, 'identify'>,
): Agent {
  return new Agent({
    cert: tls.certificatePem,
    key: tls.privateKeyPem,
    ca,
    minVersion: 'TLSv1.3',
    keepAlive: false,
    // A resumed session would skip the check of the certificate.
    maxCachedSessions: 0,
    checkServerIdentity: (_host, certificate) => {
      const peer = identify(certificate.raw)
      if (peer?.role === 'broker') return undefined
      const found = peer === undefined ? 'no control peer' : `${peer.role} ${peer.name}`
      return new BrokerError('ERR_CERTIFICATE', `certificate: need a broker's, is of ${found}`)
    },
  })
}
