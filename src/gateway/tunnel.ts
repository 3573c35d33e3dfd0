import { randomUUID } from 'node:crypto'
import {
  createReference,
  errorText,
  type Log,
  type LogFields,
  type Reason,
  type Refusal,
} from '../lib/index.ts'
import { Capability } from '../protocol/index.ts'
import type { AnyVerifiedToken } from '../tokens/index.ts'
import type { Admitted } from './admission.ts'
import type { HostConnection } from './dial.ts'
import type { LabAccess } from './lab.ts'
import type { GatewayNode } from './node.ts'
import type { TunnelPurpose } from './observer.ts'
import { FirstBytes } from './relay/first-bytes.ts'
import { Relay } from './relay/relay.ts'
import { SessionLimits } from './relay/session-limits.ts'
import type { QueuedBytes, Session } from './sessions.ts'
import { setUp } from './setup.ts'
import { reasonOf } from './status.ts'
import { closeOnceFlushed } from './transport/closing.ts'
import type { PacketTransport } from './transport/packet-transport.ts'

/** Who is at the other end, as the HTTP requests told. */
export interface Client {
  remoteAddress: string
  /** `RDG-Connection-Id`; a WebSocket may come without one. */
  connectionId: string | undefined
  /** `RDG-Correlation-Id`, for the log only. */
  correlationId: string | undefined
}

export interface TunnelOptions {
  node: GatewayNode
  client: Client
  transport: PacketTransport
  /** Gives back the place among connections that have no tunnel yet. */
  leaveHalfOpen: () => void
}

/** One tunnel, from its first packet until its last socket is closed. */
export class Tunnel implements Session {
  /** Names the tunnel on this node. */
  readonly id = randomUUID()
  readonly node: GatewayNode
  readonly client: Client
  readonly transport: PacketTransport
  /** Given back at the end: places among the node's tunnels, the token's lease. */
  readonly held = new DisposableStack()
  /** What admits it, once that is verified. */
  token: AnyVerifiedToken | undefined
  /** Once its token names a laboratory's issuer: what holds in place of the node's own rules. */
  lab: LabAccess | undefined
  /** Why it is over. */
  endReason: Reason | undefined
  /** Closed at the end, once it is there. */
  host: HostConnection | undefined
  /** Resolves when everything is given back and closed. */
  readonly done: Promise<void>
  readonly #leaveHalfOpen: () => void
  #createdAtMs: number | undefined
  /** Flags of `Capability` that the client offers. */
  #capsFlags = 0
  #relay: Relay | undefined
  #log: Log | undefined
  #logFields: LogFields = {}
  #ref: string | undefined

  /** A running tunnel, known to its node until it is done. */
  static start(options: TunnelOptions): Tunnel {
    const tunnel = new Tunnel(options)
    options.node.sessions.add(tunnel)
    return tunnel
  }

  private constructor({ node, client, transport, leaveHalfOpen }: TunnelOptions) {
    this.node = node
    this.client = client
    this.transport = transport
    this.#leaveHalfOpen = leaveHalfOpen
    this.held.defer(leaveHalfOpen)
    this.done = this.#run()
  }

  /** Made when a line is due, which mostly is after {@link addToLog}: it costs more than a line. */
  get log(): Log {
    this.#log ??= this.node.log.child({ tunnel: this.id, ...this.client, ...this.#logFields })
    return this.#log
  }

  /** What support knows a refusal of this tunnel by: made when there is one. */
  get ref(): string {
    this.#ref ??= createReference()
    return this.#ref
  }

  /** From here on, every line carries these fields as well. */
  addToLog(fields: LogFields): void {
    this.#logFields = { ...this.#logFields, ...fields }
    this.#log = undefined
  }

  get purpose(): TunnelPurpose {
    return this.lab === undefined ? 'gateway' : 'lab'
  }

  /** Payload from the client to the host. */
  get bytesIn(): number {
    return this.#relay?.bytesIn ?? 0
  }

  /** Payload from the host to the client. */
  get bytesOut(): number {
    return this.#relay?.bytesOut ?? 0
  }

  get queued(): QueuedBytes {
    return { in: this.host?.socket.writableLength ?? 0, out: this.transport.queuedBytes }
  }

  get takesMessages(): boolean {
    return (this.#capsFlags & Capability.messagingServiceMsg) !== 0
  }

  message(text: string): boolean {
    return this.takesMessages && (this.#relay?.message(text) ?? false)
  }

  end(reason: Refusal): void {
    this.transport.inbox.end(reason)
  }

  /** TUNNEL_RESPONSE says yes: from here on the tunnel counts, and its end is told. */
  onCreated({ capsFlags, consentText }: Pick<Admitted, 'capsFlags' | 'consentText'>): void {
    this.#leaveHalfOpen()
    this.#createdAtMs = this.node.clock.now()
    this.#capsFlags = capsFlags
    this.node.observer.tunnelOpened(this)
    const { transport, takesMessages } = this
    this.log.info('tunnel.created', {
      transport: transport.kind,
      takesMessages,
      ...(consentText === undefined ? {} : { consentAsked: true }),
    })
  }

  async #run(): Promise<void> {
    const error = await this.#serve()
    this.#tellEnd(error)
    this.held.dispose()
    await Promise.all([this.transport.close(), this.#closeHost()])
  }

  /** Whatever the client's sockets still do, the host gets what was sent to it and its FIN, now. */
  async #closeHost(): Promise<void> {
    if (this.host === undefined) return
    await closeOnceFlushed(this.host.socket, this.node.limits.closeTimeoutMs)
  }

  /** @returns what ended it */
  async #serve(): Promise<unknown> {
    try {
      const { host, capsFlags, claims, firstBytes, sessionAgeSeconds } = await setUp(this)
      const { transport } = this
      const { limits } = this.node
      this.#relay = new Relay({
        transport,
        host,
        capsFlags,
        firstBytes: new FirstBytes(firstBytes),
        sessionLimits: new SessionLimits(claims, limits, sessionAgeSeconds),
        limits,
      })
      return await this.#relay.run()
    } catch (error) {
      return error
    }
  }

  #tellEnd(error: unknown): void {
    const reason = reasonOf(error)
    this.endReason = reason
    const fields = { reason, error: errorText(error) }
    const { observer } = this.node
    if (this.#relay === undefined) observer.refused(reason, this.purpose)
    if (reason === 'internal-error') this.log.error('tunnel.failed', fields)
    if (this.#createdAtMs === undefined) {
      this.log.debug('connection.refused', fields)
      return
    }
    observer.tunnelEnded(this, reason)
    this.log.info('session.closed', {
      ...fields,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      // A clock that was set back must not give a negative time.
      durationMs: Math.max(0, this.node.clock.now() - this.#createdAtMs),
    })
  }
}
