import type { IncomingMessage } from 'node:http'
import type { Agent } from 'node:https'
import type { Duplex } from 'node:stream'
import { WebSocket, WebSocketServer } from 'ws'
import { BrokerError, errorText, ProtocolError } from '../lib/index.ts'
import type { ControlLimits } from './limits.ts'

/** Close codes, RFC 6455 section 7.4; 4000 and up are ours. */
export const CloseCode = {
  normal: 1000,
  goingAway: 1001,
  protocolError: 1002,
  tryAgainLater: 1013,
  noCommonVersion: 4000,
  /** The same peer has connected again. */
  replaced: 4001,
} as const
type CloseCode = (typeof CloseCode)[keyof typeof CloseCode]

/** For the log of who is left; the codes of the standard's own say enough, or nothing. */
const MEANING: Readonly<Record<number, string>> = {
  [CloseCode.goingAway]: 'it stops',
  [CloseCode.noCommonVersion]: 'no version of the protocol in common',
  [CloseCode.replaced]: 'another process has connected under this name',
}

export const CONTROL_PATH = '/control'

/**
 * A message that nobody waits for waits this long for others, and all go in one write: five belong to
 * each tunnel, and a write costs more than all else about them.
 */
const GATHER_MS = 10

export interface LinkOptions<Incoming> {
  decode(text: string): Incoming
  /** What it throws ends the link. */
  onMessage(message: Incoming, characters: number): void
  limits: Pick<ControlLimits, 'silenceMs' | 'closeMs' | 'maxQueuedBytes'>
}

/**
 * One WebSocket of the channel, either end: text frames in and out, an end to every wait. Whatever is
 * wrong with it ends it, and nothing else.
 */
export class Link<Incoming> {
  /** Resolves with the cause when the socket is closed; never rejects. */
  readonly ended: Promise<Error>
  readonly #socket: WebSocket
  readonly #options: LinkOptions<Incoming>
  readonly #silence: NodeJS.Timeout
  /** Under the WebSocket, where this end has dialled. */
  #stream: Duplex | undefined
  readonly #gathered: string[] = []
  #gathering: NodeJS.Timeout | undefined
  #cause: Error | undefined
  #closing: NodeJS.Timeout | undefined

  constructor(socket: WebSocket, options: LinkOptions<Incoming>) {
    this.#socket = socket
    this.#options = options
    const { silenceMs } = options.limits
    this.#silence = setTimeout(() => this.#silent(), silenceMs)
    socket.once('upgrade', ({ socket: stream }) => {
      this.#stream = stream
    })
    socket.on('message', (data, isBinary) => this.#receive(data, isBinary))
    socket.on('error', (error) => this.close(CloseCode.protocolError, error))
    const closed = Promise.withResolvers<Error>()
    this.ended = closed.promise
    socket.once('close', (code, text) => {
      clearTimeout(this.#silence)
      clearTimeout(this.#gathering)
      clearTimeout(this.#closing)
      const peerSays =
        `closed by the peer with ${code} ${printable(text) || (MEANING[code] ?? '')}`.trimEnd()
      closed.resolve(this.#cause ?? new BrokerError('ERR_CLOSED', peerSays))
    })
  }

  /** Sends a message, behind those that wait; nothing happens when the link is not open. */
  send(text: string): void {
    this.#gathered.push(text)
    this.#flush()
  }

  /** As {@link send}, a moment later and together with what else comes until then. */
  sendSoon(text: string): void {
    this.#gathered.push(text)
    this.#gathering ??= setTimeout(() => this.#flush(), GATHER_MS)
  }

  /** Reads no further until {@link resume}, but for what the socket has handed over already. */
  pause(): void {
    if (this.#closing === undefined) this.#socket.pause()
  }

  resume(): void {
    if (!this.#socket.isPaused || this.#socket.readyState !== WebSocket.OPEN) return
    this.#silence.refresh()
    this.#socket.resume()
  }

  /**
   * Ends the link within `closeMs`; the first cause counts.
   *
   * @param cause for our side; the peer learns the code alone
   */
  close(code: CloseCode, cause: Error): void {
    this.#cause ??= cause
    if (this.#closing !== undefined) return
    this.#closing = setTimeout(() => this.#socket.terminate(), this.#options.limits.closeMs)
    this.#flush()
    // A paused socket would never see the peer's half of the closing handshake.
    this.resume()
    this.#socket.close(code)
  }

  /** A peer that takes none loses the link. */
  #flush(): void {
    clearTimeout(this.#gathering)
    this.#gathering = undefined
    const texts = this.#gathered.splice(0)
    if (this.#socket.readyState !== WebSocket.OPEN) return
    this.#stream?.cork()
    for (const text of texts) this.#socket.send(text)
    this.#stream?.uncork()
    const { maxQueuedBytes } = this.#options.limits
    if (this.#socket.bufferedAmount <= maxQueuedBytes) return
    const waiting = `slow peer: ${this.#socket.bufferedAmount} bytes wait, at most ${maxQueuedBytes}`
    this.close(CloseCode.tryAgainLater, new BrokerError('ERR_DEADLINE', waiting))
    this.#socket.terminate()
  }

  #receive(data: unknown, isBinary: boolean): void {
    if (this.#closing !== undefined) return
    this.#silence.refresh()
    try {
      if (isBinary) throw malformed('a binary frame, need text')
      const text = String(data)
      this.#options.onMessage(this.#options.decode(text), text.length)
    } catch (error) {
      const cause = error instanceof Error ? error : new Error(errorText(error))
      this.close(CloseCode.protocolError, cause)
    }
  }

  #silent(): void {
    // It is this end that does not listen.
    if (this.#socket.isPaused) {
      this.#silence.refresh()
      return
    }
    const { silenceMs } = this.#options.limits
    const cause = new BrokerError('ERR_DEADLINE', `peer: silent for ${silenceMs} ms`)
    this.close(CloseCode.goingAway, cause)
  }
}

export interface DialOptions<Incoming> extends LinkOptions<Incoming> {
  /** `wss://host:port/control` */
  url: string
  /** Carries certificates and checks the broker's. */
  agent: Agent
  maxBytes: number
  onOpen(): void
}

/** A link that is still to be opened; it fails like one that ends. */
export function dialLink<Incoming>(options: DialOptions<Incoming>): Link<Incoming> {
  const { url, agent, maxBytes, onOpen } = options
  const socket = new WebSocket(url, {
    agent,
    maxPayload: maxBytes,
    // Compressed lengths say nothing about what a message takes in memory.
    perMessageDeflate: false,
    followRedirects: false,
  })
  socket.once('open', onOpen)
  return new Link(socket, options)
}

export interface Acceptor {
  /** Answers an upgrade request; `onSocket` runs before a message can arrive. */
  accept(
    request: IncomingMessage,
    socket: Duplex,
    head: Buffer,
    onSocket: (socket: WebSocket) => void,
  ): void
}

export function createAcceptor(maxBytes: number): Acceptor {
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    maxPayload: maxBytes,
    perMessageDeflate: false,
  })
  return {
    accept: (request, socket, head, onSocket) =>
      server.handleUpgrade(request, socket, head, onSocket),
  }
}

function malformed(message: string): ProtocolError {
  return new ProtocolError('ERR_PACKET_MALFORMED', 'CONTROL', 'message', message)
}

/** The peer's text for the log. */
function printable(text: Buffer): string {
  return text.toString().replaceAll(/\p{C}/gu, '?')
}
