import { randomUUID } from 'node:crypto'
import type { Socket } from 'node:net'
import type { VerifierSession } from '../control/index.ts'
import {
  BrokerError,
  errorText,
  type Log,
  ProtocolError,
  type Reason,
  Refusal,
} from '../lib/index.ts'
import {
  encodeConnectionConfirm,
  encodeGrantNotice,
  encodeProxyV2,
  NegotiationFailureCode,
} from '../protocol/index.ts'
import type { VerifiedHostToken } from '../tokens/index.ts'
import { type Admission, admit } from './admission.ts'
import { dialConsole, nameOf } from './dial-console.ts'
import type { AgentNode } from './host-agent.ts'
import type { Dialled } from './listener.ts'
import type { SessionFigures } from './observer.ts'
import { type Opening, readOpening } from './opening.ts'
import { relay } from './relay.ts'

/** What a refused client is told: no code of [MS-RDPBCGR] 2.2.1.2.2 means it, and this one invites to no other protocol. */
const REFUSED = NegotiationFailureCode.inconsistentFlags

/** Of a socket that was closed in the same moment. */
const UNKNOWN_ADDRESS = '0.0.0.0'

/** One connection of a node, from its first byte until its last socket is closed. */
export class AgentSession implements VerifierSession, SessionFigures {
  readonly id = randomUUID()
  readonly done: Promise<void>
  token: VerifiedHostToken | undefined
  log: Log
  readonly #agent: AgentNode
  readonly #client: Socket
  readonly #heard: () => void
  readonly #end = new AbortController()
  /** Given back at the end: the token's lease, with why. */
  #lease: Admission['lease'] | undefined
  #console: Socket | undefined
  /** Bytes that the agent itself has put in front. */
  #headerBytes = 0
  #openedAtMs: number | undefined
  /** Its blob names no token at all: that is how nodes look whether an agent answers. */
  #isProbe = false

  /** A running session, known to its agent until it is done. */
  static start(agent: AgentNode, client: Socket, from: Dialled): AgentSession {
    const session = new AgentSession(agent, client, from)
    agent.sessions.add(session)
    return session
  }

  private constructor(agent: AgentNode, client: Socket, { node, heard }: Dialled) {
    this.#agent = agent
    this.#client = client
    this.#heard = heard
    this.log = agent.log.child({ session: this.id, ...(node === undefined ? {} : { node }) })
    client.on('error', () => {})
    this.done = this.#run()
  }

  /** To the console. */
  get bytesIn(): number {
    return Math.max(0, (this.#console?.bytesWritten ?? 0) - this.#headerBytes)
  }

  /** From the console. */
  get bytesOut(): number {
    return this.#console?.bytesRead ?? 0
  }

  end(reason: Refusal): void {
    this.#end.abort(reason)
  }

  async #run(): Promise<void> {
    const error = await this.#serve()
    const reason = reasonOf(error)
    this.#tellEnd(reason, error)
    this.#lease?.release(reason)
    const { closeMs } = this.#agent.limits
    await Promise.all(
      [this.#client, this.#console].map((socket) => socket && closeOnceFlushed(socket, closeMs)),
    )
  }

  /** @returns what ended it */
  async #serve(): Promise<unknown> {
    const { limits, observer } = this.#agent
    const { signal } = this.#end
    try {
      const opening = await readOpening(this.#client, { timeoutMs: limits.openingMs, signal })
      this.#heard()
      this.#isProbe = !opening.text.reveal().includes(';')
      const admission = await this.#admit(opening)
      const { place } = admission
      const console = await dialConsole(place, { timeoutMs: limits.dialMs, signal })
      this.#console = console
      this.#openedAtMs = this.#agent.clock.now()
      observer.sessionOpened(this)
      this.log.info('console.opened', { address: nameOf(place.address) })
      if (place.proxy) this.#introduce(console, opening, admission)
      console.write(opening.rest)
      return await relay({
        client: this.#client,
        console,
        signal,
        slowPeerMs: limits.slowPeerMs,
      })
    } catch (error) {
      if (this.#client.writable) {
        this.#client.write(encodeConnectionConfirm({ kind: 'failure', failureCode: REFUSED }))
      }
      return error
    }
  }

  async #admit(opening: Opening): Promise<Admission> {
    const clientAddress = opening.source?.address ?? this.#client.remoteAddress ?? ''
    this.log = this.log.child({ remoteAddress: clientAddress })
    const admission = await admit(this.#agent, opening, {
      id: this.id,
      clientAddress,
      signal: this.#end.signal,
      onVerified: (token) => {
        this.token = token
        const { jti, vm } = token.claims
        this.log = this.log.child({ jti, vm })
      },
    })
    this.#lease = admission.lease
    this.log.info('token.redeemed', { issuer: admission.token.issuerThumbprint })
    this.#end.signal.throwIfAborted()
    return admission
  }

  /** Tells the console who comes, and what the agent knows of the grant. */
  #introduce(console: Socket, { source }: Opening, { token, lease }: Admission): void {
    const { remoteAddress, remotePort = 0, localAddress, localPort = 0 } = this.#client
    const header = encodeProxyV2({
      source: source ?? { address: remoteAddress ?? UNKNOWN_ADDRESS, port: remotePort },
      destination: { address: localAddress ?? UNKNOWN_ADDRESS, port: localPort },
      fields: encodeGrantNotice({
        expiresAt: token.claims.exp,
        ...(lease.ref === undefined ? {} : { ref: lease.ref }),
      }),
    })
    this.#headerBytes = header.length
    console.write(header)
  }

  #refusalLevel(): 'warn' | 'debug' {
    if (this.#isProbe) return 'debug'
    return this.token === undefined ? this.#agent.strangerLevel() : 'warn'
  }

  #tellEnd(reason: Reason, error: unknown): void {
    const { observer, clock } = this.#agent
    const fields = { reason, error: errorText(error) }
    if (reason === 'internal-error') this.log.error('session.failed', fields)
    if (this.#openedAtMs === undefined) {
      if (!this.#isProbe) observer.refused(reason)
      this.log[this.#refusalLevel()]('host.refused', fields)
      return
    }
    observer.sessionEnded(this, reason)
    this.log.info('session.closed', {
      ...fields,
      bytesIn: this.bytesIn,
      bytesOut: this.bytesOut,
      durationMs: clock.now() - this.#openedAtMs,
    })
  }
}

/** The public word for what ended a session. */
function reasonOf(error: unknown): Reason {
  if (error instanceof Refusal) return error.reason
  if (error instanceof ProtocolError) return 'protocol-error'
  if (error instanceof BrokerError && error.code === 'ERR_DEADLINE') return 'set-up-timeout'
  if (error instanceof BrokerError && error.code === 'ERR_CLOSED') return 'client-closed'
  return 'internal-error'
}

/** Sends what waits and a FIN, and destroys the socket when it is closed or the time is over. */
function closeOnceFlushed(socket: Socket, timeoutMs: number): Promise<void> {
  if (socket.destroyed) return Promise.resolve()
  return new Promise((resolve) => {
    const timer = setTimeout(() => socket.destroy(), timeoutMs)
    socket.once('close', () => {
      clearTimeout(timer)
      resolve()
    })
    // Whatever still comes is read and dropped, or the peer's FIN would never be seen.
    socket.resume()
    socket.end(() => {
      if (socket.readableEnded) socket.destroy()
      else socket.once('end', () => socket.destroy())
    })
  })
}
