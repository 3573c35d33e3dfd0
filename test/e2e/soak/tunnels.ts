import {
  type ConsoleChannel,
  type OpenConsoleOptions,
  openConsole,
} from '../../../src/client/index.ts'
import { encodeConnectionRequest } from '../../../src/protocol/index.ts'
import { eventually } from '../../helpers/eventually.ts'

const FIRST_BYTES = encodeConnectionRequest({
  negotiation: { flags: 0, requestedProtocols: 1 },
})
/** What a user who only looks sends now and then. */
const SMALL = Buffer.alloc(100, 'mouse')
const LARGE = Buffer.alloc(64 * 1024, 'picture')
/** Of so many tunnels one has somebody who works. */
const IDLE_SHARE = 10
const TICK_MS = 50

interface LiveTunnel {
  channel: ConsoleChannel
  sent: number
  received: number
}

/** Live tunnels with some traffic, all of which has to come back. */
export class SoakTunnels {
  readonly #channels: LiveTunnel[] = []
  /** Those that ended though nobody had closed them. */
  readonly ended: string[] = []
  #timer: NodeJS.Timeout | undefined
  #closing = false

  get size(): number {
    return this.#channels.length
  }

  /** Bytes that are on their way to the host or back. */
  get missing(): number {
    return this.#channels.reduce((sum, { sent, received }) => sum + sent - received, 0)
  }

  async open(options: OpenConsoleOptions): Promise<void> {
    const channel = await openConsole(options)
    const tunnel: LiveTunnel = { channel, sent: 0, received: 0 }
    const number = this.#channels.push(tunnel)
    channel.on('data', (bytes: Buffer) => {
      tunnel.received += bytes.length
    })
    channel.on('error', (error) => this.#onEnd(`${number}: ${error.message}`))
    channel.on('close', () => this.#onEnd(`${number}: closed, status ${channel.closeStatus}`))
    this.#send(tunnel, FIRST_BYTES)
  }

  /** Traffic from now on. @param roundMs in which every tunnel has its turn */
  talk(roundMs: number): void {
    const turns = Math.ceil((this.size * TICK_MS) / roundMs)
    let next = 0
    this.#timer = setInterval(() => {
      for (let turn = 0; turn < turns; turn += 1) {
        const index = next++ % this.size
        const tunnel = this.#channels[index]
        if (tunnel !== undefined) this.#send(tunnel, index % IDLE_SHARE === 0 ? LARGE : SMALL)
      }
    }, TICK_MS)
  }

  /** Stops talking; resolves when everything that was sent has come back. */
  async hush(): Promise<void> {
    clearInterval(this.#timer)
    await eventually('every byte back', () => this.missing === 0, { timeoutMs: 60_000 })
  }

  close(): void {
    clearInterval(this.#timer)
    this.#closing = true
    for (const { channel } of this.#channels) channel.destroy()
  }

  #send(tunnel: LiveTunnel, bytes: Uint8Array): void {
    tunnel.sent += bytes.length
    tunnel.channel.write(bytes)
  }

  #onEnd(what: string): void {
    if (!this.#closing) this.ended.push(what)
  }
}
