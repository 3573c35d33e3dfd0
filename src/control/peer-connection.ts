import type { WebSocket } from 'ws'
import {
  type Allowance,
  BrokerError,
  type Clock,
  errorText,
  type Log,
  ProtocolError,
} from '../lib/index.ts'
import { decodeToBroker, encodeMessage } from './codec.ts'
import type { ControlLimits } from './limits.ts'
import type { ControlService, Peer, PushMessage } from './service.ts'
import type { Heartbeat, RedeemRequest, ToBrokerMessage } from './to-broker.ts'
import type { RedeemAnswer, ToNodeMessage } from './to-node.ts'
import { PROTOCOL_VERSIONS, SINCE_VERSION } from './versions.ts'
import { CloseCode, Link } from './websocket.ts'
import { workOf } from './work.ts'

/** What a broker knows of a connected peer. */
export interface PeerState extends Peer {
  address: string
  software: string
  connectedAtMs: number
  lastHeartbeatMs: number | undefined
  /** What it has applied; 0 until it has said so. */
  trustVersion: number
  revocationVersion: number
  /** Its clock minus ours, as its last heartbeat told. */
  clockOffsetMs: number | undefined
}

export interface PeerConnectionOptions {
  peer: Peer
  address: string
  /** End of its certificate, in ms since 1970. */
  certificateNotAfterMs: number
  socket: WebSocket
  service: ControlService
  clock: Clock
  log: Log
  limits: ControlLimits
  /** What the peer may ask for, over all its connections. */
  allowance: Allowance
  /** It has said hello and been welcomed. */
  onWelcome(connection: PeerConnection): void
}

type Served = Exclude<ToBrokerMessage, { type: 'hello' }>

/** The broker's end of one connection, from the upgrade until its socket is closed. */
export class PeerConnection {
  readonly state: PeerState
  readonly ended: Promise<Error>
  readonly #options: PeerConnectionOptions
  readonly #link: Link<ToBrokerMessage>
  readonly #welcomeTimer: NodeJS.Timeout
  /** 0 until the peer is welcomed. */
  #protocol = 0
  /** Pushes wait until the whole sets are on their way, so that a delta never overtakes what it builds on. */
  #synced: Promise<void> = Promise.resolve()
  /** The newest versions that went out on this connection; nothing is lost on it, so none goes twice. */
  readonly #sent = { trust: -1, revocations: -1 }
  #told: Promise<void> = Promise.resolve()
  #inFlight = 0
  /** By tunnel, the last of the work about it; no more than are in flight. */
  readonly #lastOf = new Map<string, Promise<void>>()
  /** Set while the peer has asked for more than its allowance. */
  #earning: NodeJS.Timeout | undefined

  constructor(options: PeerConnectionOptions) {
    this.#options = options
    const { peer, address, socket, clock, limits } = options
    this.state = {
      ...peer,
      address,
      software: '',
      connectedAtMs: clock.now(),
      lastHeartbeatMs: undefined,
      trustVersion: 0,
      revocationVersion: 0,
      clockOffsetMs: undefined,
    }
    this.#link = new Link(socket, {
      decode: decodeToBroker,
      onMessage: (message, characters) => {
        this.#charge(workOf(message, characters))
        this.#onMessage(message)
      },
      limits,
    })
    for (const frame of ['ping', 'pong']) socket.on(frame, () => this.#charge(1))
    this.#welcomeTimer = setTimeout(() => {
      const late = new BrokerError('ERR_DEADLINE', `hello: not within ${limits.welcomeMs} ms`)
      this.#link.close(CloseCode.protocolError, late)
    }, limits.welcomeMs)
    this.ended = this.#link.ended
    void this.ended.then(() => {
      clearTimeout(this.#welcomeTimer)
      clearTimeout(this.#earning)
    })
  }

  /** @param text the message, encoded once for all peers */
  push(message: PushMessage, text: string): void {
    if (this.#protocol < (SINCE_VERSION.get(message.type) ?? 1)) return
    this.#synced = this.#synced.then(() => {
      if ('version' in message) this.#note(message.type, message.version)
      this.#link.send(text)
    })
  }

  /** Tells it what is current before its next heartbeat. */
  refresh(): void {
    this.#work('refresh', () => this.#tellCurrent())
  }

  close(code: (typeof CloseCode)[keyof typeof CloseCode], why: string): void {
    this.#link.close(code, new BrokerError('ERR_CLOSED', why))
  }

  #onMessage(message: ToBrokerMessage): void {
    if (message.type === 'hello') {
      this.#welcome(message)
      return
    }
    if (this.#protocol === 0) throw unexpected(`${message.type} before hello`)
    this.#work(message.type, () => this.#serveInOrder(message))
  }

  #welcome({ protocols, software }: Extract<ToBrokerMessage, { type: 'hello' }>): void {
    if (this.#protocol !== 0) throw unexpected('a second hello')
    const protocol = PROTOCOL_VERSIONS.filter((known) => protocols.includes(known))
      .sort()
      .at(-1)
    if (protocol === undefined) {
      const why = `no common protocol version: have ${PROTOCOL_VERSIONS}, peer offers ${protocols}`
      this.close(CloseCode.noCommonVersion, why)
      return
    }
    this.#protocol = protocol
    clearTimeout(this.#welcomeTimer)
    this.state.software = software
    const { peer, address, certificateNotAfterMs, service, clock, onWelcome } = this.#options
    this.#send({ type: 'welcome', protocol, broker: service.name, time: clock.now() })
    this.#synced = this.#sendSets()
    onWelcome(this)
    this.#work('joined', () =>
      service.joined(peer, { address, software, certificateNotAfterMs, protocol }),
    )
  }

  /** Both sets. Without them a peer serves nobody, so it had better connect again. */
  async #sendSets(): Promise<void> {
    try {
      await this.#sendTrust()
      await this.#sendRevocations()
    } catch (error) {
      this.#options.log.error('control.failed', { work: 'sets', error: errorText(error) })
      this.close(CloseCode.tryAgainLater, 'the sets could not be read')
    }
  }

  async #sendTrust(): Promise<void> {
    const set = await this.#options.service.trustSet()
    this.#note('trust', set.version)
    this.#send({ type: 'trust', ...set })
  }

  async #sendRevocations(): Promise<void> {
    const set = await this.#options.service.revocations()
    this.#note('revocations', set.version)
    this.#send({ type: 'revocations', ...set })
  }

  #note(what: 'trust' | 'revocations', version: number): void {
    this.#sent[what] = Math.max(this.#sent[what], version)
  }

  /** Of one tunnel one after the other: an end that overtook its redeem would leave the lease open. */
  async #serveInOrder(message: Served): Promise<void> {
    const tunnel = tunnelOf(message)
    if (tunnel === undefined) return this.#serve(message)
    const before = this.#lastOf.get(tunnel) ?? Promise.resolve()
    const served = before.then(() => this.#serve(message))
    const settled = served.catch(() => {})
    this.#lastOf.set(tunnel, settled)
    await settled
    if (this.#lastOf.get(tunnel) === settled) this.#lastOf.delete(tunnel)
    return served
  }

  async #serve(message: Served): Promise<void> {
    const { peer, service } = this.#options
    switch (message.type) {
      case 'redeem': {
        const { type, request, ...redeem } = message
        const answer = await this.#redeem(redeem)
        this.#send({ type: 'redeem.answer', request, ...answer })
        return
      }
      case 'release':
        return service.release(peer, message.tunnel, message.reason)
      case 'event': {
        const { type, ...event } = message
        return service.event(peer, event)
      }
      case 'probe.result': {
        const { type, ...result } = message
        return service.probed(peer, result)
      }
      case 'heartbeat': {
        const { type, ...beat } = message
        return this.#heartbeat(beat)
      }
      case 'trust.applied':
        this.state.trustVersion = message.version
        return service.applied(peer, 'trust', message.version)
      case 'revocations.applied':
        this.state.revocationVersion = message.version
        return service.applied(peer, 'revocations', message.version)
    }
  }

  /** A fault of ours is for the node what a broker is that doesn't answer. */
  async #redeem(request: RedeemRequest): Promise<RedeemAnswer> {
    const { peer, service, log } = this.#options
    try {
      return await service.redeem(peer, request)
    } catch (error) {
      log.error('control.failed', { work: 'redeem', error: errorText(error) })
      return { ok: false, reason: 'broker-unreachable' }
    }
  }

  /** Answers with what is current, and sends what nobody has told us to push: another broker may have changed it. */
  async #heartbeat(beat: Heartbeat): Promise<void> {
    const { peer, service, clock } = this.#options
    const nowMs = clock.now()
    this.state.lastHeartbeatMs = nowMs
    this.state.clockOffsetMs = beat.time - nowMs
    this.state.trustVersion = beat.trustVersion
    this.state.revocationVersion = beat.revocationVersion
    await service.heartbeat(peer, beat)
    await this.#tellCurrent()
  }

  /** One after the other, so that what became true later is said later. */
  #tellCurrent(): Promise<void> {
    const told = this.#told.then(() => this.#sendCurrent())
    this.#told = told.catch(() => {})
    return told
  }

  async #sendCurrent(): Promise<void> {
    const { peer, service, clock } = this.#options
    const drain = await service.drain(peer)
    const current = await service.versions()
    await this.#synced
    if (this.#sent.trust < current.trust) await this.#sendTrust()
    if (this.#sent.revocations < current.revocations) await this.#sendRevocations()
    this.#send({
      type: 'heartbeat.answer',
      time: clock.now(),
      trustVersion: current.trust,
      revocationVersion: current.revocations,
      ...(drain === undefined ? {} : { drain }),
    })
  }

  /** Runs one piece of work; past `maxInFlight` of them the peer has to wait. */
  #work(name: string, run: () => Promise<void>): void {
    const { log } = this.#options
    this.#inFlight++
    this.#pace()
    void run()
      .catch((error: unknown) =>
        log.error('control.failed', { work: name, error: errorText(error) }),
      )
      .finally(() => {
        this.#inFlight--
        this.#pace()
      })
  }

  /** Past its allowance the peer has to wait. */
  #charge(work: number): void {
    const waitMs = this.#options.allowance.spend(work)
    if (waitMs === 0 || this.#earning !== undefined) return
    this.#earning = setTimeout(() => {
      this.#earning = undefined
      // What had been read already when it was told to wait has cost more meanwhile.
      this.#charge(0)
      this.#pace()
    }, waitMs)
    this.#pace()
  }

  /** Whoever waits loses nothing: what it says stays in its own and the system's buffers. */
  #pace(): void {
    const isBusy = this.#inFlight >= this.#options.limits.maxInFlight
    if (isBusy || this.#earning !== undefined) this.#link.pause()
    else this.#link.resume()
  }

  #send(message: ToNodeMessage): void {
    this.#link.send(encodeMessage(message))
  }
}

/** The one that a message is about; a heartbeat is about all of them. */
function tunnelOf(message: Served): string | undefined {
  switch (message.type) {
    case 'redeem':
    case 'release':
      return message.tunnel
    case 'event':
      return message.fields.tunnel
    default:
      return undefined
  }
}

function unexpected(what: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_UNEXPECTED', 'CONTROL', 'type', what)
}
