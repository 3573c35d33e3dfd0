import type { Socket } from 'node:net'
import type { SecureContext, TLSSocket } from 'node:tls'
import { BrokerError, type Clock, errorText, type Log, type LogFields } from '../../lib/index.ts'
import { activate } from './activate.ts'
import { type ClientPdus, readClientPdus } from './client-pdus.ts'
import { connect } from './connect.ts'
import { secure } from './handshake.ts'
import { CLOSE_TIMEOUT_MS, MAX_DESKTOP, MIN_DESKTOP, SET_UP_TIMEOUT_MS } from './limits.ts'
import { Link } from './link.ts'
import type { Size } from './picture/area.ts'
import { Screen } from './screen.ts'
import { BITS_PER_PIXEL } from './wire/bitmap-update.ts'
import { decodeRefreshRect, decodeSuppressOutput } from './wire/display-requests.ts'
import { type ErrorInfo, encodeSetErrorInfo } from './wire/finalization.ts'
import { decodeFastPathInput, decodeSlowPathInput, type KeyEvent } from './wire/input.ts'
import { DisconnectReason, encodeDisconnect } from './wire/mcs.ts'
import { DataType } from './wire/share.ts'

export interface ViewerOptions {
  /** The machine's name on the card. */
  name: string
  secureContext: SecureContext
  /** A host agent puts a PROXY header in front. */
  proxied: boolean
  clock: Clock
  log: Log
}

/** One connection of an RDP client, from accept to its last byte. Owns the socket and everything on it. */
export class Viewer {
  readonly #raw: Socket
  readonly #options: ViewerOptions
  #socket: TLSSocket | undefined
  #ended = false
  #active: { link: Link; screen: Screen; supportsErrorInfo: boolean } | undefined

  constructor(raw: Socket, options: ViewerOptions) {
    this.#raw = raw
    this.#options = options
  }

  /** Serves the client until either side ends. Never rejects: what a peer sends is no error of ours. */
  async serve(): Promise<void> {
    const { log, clock } = this.#options
    const startedAt = clock.now()
    // Errors reach whoever waits on the socket; this keeps a late reset from ending the process.
    this.#raw.on('error', () => {})
    this.#raw.setNoDelay(true)
    const closed = new Promise((resolve) => this.#raw.once('close', resolve))
    const closing = (fields: LogFields = {}) => ({ durationMs: clock.now() - startedAt, ...fields })
    try {
      await this.#run()
      log.info('viewer.closed', closing())
    } catch (error) {
      if (this.#ended) log.info('viewer.closed', closing())
      else if (isFromPeer(error)) log.info('viewer.closed', closing(describe(error)))
      else log.error('viewer.failed', closing({ error: errorText(error) }))
    }
    this.#active?.screen.close()
    this.#finish()
    await closed
  }

  /**
   * Says why to a client that can show it, and ends. [MS-RDPBCGR] 1.3.1.4.2: Set Error Info only to
   * clients that announced it; the others are told by the ultimatum that the host ended the session.
   */
  end(errorInfo: ErrorInfo): void {
    this.#ended = true
    if (this.#active !== undefined) {
      const { link, screen, supportsErrorInfo } = this.#active
      screen.close()
      if (supportsErrorInfo) link.sendIo(encodeSetErrorInfo(errorInfo))
      const { userRequested, providerInitiated } = DisconnectReason
      link.sendMcs(encodeDisconnect(supportsErrorInfo ? userRequested : providerInitiated))
    }
    this.#finish()
  }

  async #run(): Promise<void> {
    const deadline = setTimeout(() => this.#destroy(), SET_UP_TIMEOUT_MS)
    try {
      const { pdus, screen } = await this.#setUp()
      clearTimeout(deadline)
      await serveActive(pdus, screen)
    } finally {
      clearTimeout(deadline)
    }
  }

  async #setUp(): Promise<{ pdus: ClientPdus; screen: Screen }> {
    const { name, clock, log } = this.#options
    const { socket, requestedProtocols, grant } = await secure(this.#raw, this.#options)
    this.#socket = socket
    const link = new Link(socket)
    const frames = link.frames()
    const { client, channels } = await connect(link, frames, requestedProtocols)
    const size = desktopSize({ width: client.desktopWidth, height: client.desktopHeight })
    const pdus = readClientPdus(frames, channels)
    const desktop = { ...size, bitsPerPixel: BITS_PER_PIXEL }
    const capabilities = await activate(link, pdus, { desktop, user: channels.user })
    const onStalled = () => this.#destroy()
    const screen = new Screen(link, {
      ...{ size, capabilities, name, clock, onStalled },
      ...(grant === undefined ? {} : { grant }),
    })
    this.#active = { link, screen, supportsErrorInfo: client.supportsErrorInfo }
    log.info('viewer.active', { ...size })
    return { pdus, screen }
  }

  /** Lets queued bytes leave, then closes; not longer than `CLOSE_TIMEOUT_MS`. */
  #finish(): void {
    if (this.#raw.destroyed) return
    const late = setTimeout(() => this.#destroy(), CLOSE_TIMEOUT_MS)
    this.#raw.once('close', () => clearTimeout(late))
    const socket = this.#socket ?? this.#raw
    socket.destroySoon()
  }

  #destroy(): void {
    this.#socket?.destroy()
    this.#raw.destroy()
  }
}

/** Bytes that break the protocol, and what sockets and streams report; anything else is our bug. */
function isFromPeer(error: unknown): boolean {
  return error instanceof BrokerError || (error instanceof Error && 'code' in error)
}

function describe(error: unknown): LogFields {
  return {
    code: error instanceof BrokerError ? error.code : 'ERR_CLOSED',
    error: errorText(error),
  }
}

/** Until the client ends, or its shutdown request: nobody is logged on, so it is granted by closing. */
async function serveActive(pdus: ClientPdus, screen: Screen): Promise<void> {
  const pressAll = (events: KeyEvent[]) => {
    for (const event of events) screen.key(event)
  }
  for await (const pdu of pdus) {
    if (pdu.kind === 'fastPath') {
      pressAll(decodeFastPathInput(pdu.pdu))
      continue
    }
    if (pdu.kind === 'confirmActive') {
      throw new BrokerError('ERR_PACKET_UNEXPECTED', 'CONFIRM_ACTIVE: a second one')
    }
    switch (pdu.type) {
      case DataType.input:
        pressAll(decodeSlowPathInput(pdu.body))
        break
      case DataType.refreshRect:
        screen.refresh(decodeRefreshRect(pdu.body))
        break
      case DataType.suppressOutput:
        screen.allowOutput(decodeSuppressOutput(pdu.body))
        break
      case DataType.shutdownRequest:
        return
    }
  }
}

/** What was asked for, within bounds; bitmaps want widths in multiples of 4. */
function desktopSize({ width, height }: Size): Size {
  const bounded = (value: number, min: number, max: number) => Math.max(min, Math.min(max, value))
  const boundedWidth = bounded(width, MIN_DESKTOP.width, MAX_DESKTOP.width)
  return {
    width: boundedWidth - (boundedWidth % 4),
    height: bounded(height, MIN_DESKTOP.height, MAX_DESKTOP.height),
  }
}
