import type { Duplex } from 'node:stream'
import { BrokerError, ProtocolError } from '../lib/index.ts'
import { encodeChunk } from '../protocol/index.ts'
import { type RequestIdentity, readResponseHead, renderGatewayRequest } from './http-head.ts'
import { PacketInbox } from './packet-inbox.ts'
import { send, sendLast } from './send.ts'
import { StepError } from './steps.ts'
import type { Transport } from './transport.ts'

/** Random bytes in front of the first packet; the specification says 100, gateways send 10. */
const SEED_BYTES = 10
const LAST_CHUNK = Buffer.from('0\r\n\r\n')

/**
 * Opens OUT on one connection, then IN on another, [MS-TSGU] 3.3.5.1.
 *
 * @param dialIn opens the second connection, once OUT stands
 * @throws StepError with the HTTP status; ProtocolError, BrokerError `ERR_NO_ANSWER`, the signal's reason
 */
export async function openHttpPair(
  out: Duplex,
  dialIn: () => Promise<Duplex>,
  identity: RequestIdentity,
  signal: AbortSignal,
): Promise<Transport> {
  out.write(renderGatewayRequest('RDG_OUT_DATA', identity, [['Content-Length', '0']]))
  const { head, rest } = await readResponseHead(out, signal)
  if (head.status !== 200) throw StepError.refusedByHttp('transport', head.status)
  for (const name of ['Transfer-Encoding', 'Content-Length']) {
    if (head.headers.get(name) === undefined) continue
    throw new ProtocolError('ERR_HTTP_MALFORMED', 'OUT', name, 'need neither length nor coding')
  }
  const inSocket = await dialIn()
  try {
    await openIn(inSocket, identity, signal)
    return new HttpPairTransport(out, inSocket, rest)
  } catch (error) {
    inSocket.destroy()
    throw error
  }
}

/** The first request is answered, the second never is: its body is the client's half of the tunnel. */
async function openIn(
  socket: Duplex,
  identity: RequestIdentity,
  signal: AbortSignal,
): Promise<void> {
  socket.write(renderGatewayRequest('RDG_IN_DATA', identity, [['Content-Length', '0']]))
  const { head } = await readResponseHead(socket, signal)
  if (head.status !== 200) throw StepError.refusedByHttp('transport', head.status)
  socket.write(renderGatewayRequest('RDG_IN_DATA', identity, [['Transfer-Encoding', 'chunked']]))
}

class HttpPairTransport implements Transport {
  readonly kind = 'http'
  readonly inbox: PacketInbox
  readonly #out: Duplex
  readonly #in: Duplex
  #seedLeft = SEED_BYTES

  constructor(out: Duplex, inSocket: Duplex, rest: Buffer) {
    this.#out = out
    this.#in = inSocket
    const inbox = new PacketInbox(out)
    this.inbox = inbox
    for (const socket of [out, inSocket]) {
      socket.on('end', () => inbox.end())
      socket.on('error', (error) => {
        inbox.end(new BrokerError('ERR_CLOSED', error.message, { cause: error }))
      })
      socket.on('close', () => inbox.end())
    }
    const read = (bytes: Buffer): void => {
      const seed = bytes.subarray(0, this.#seedLeft)
      this.#seedLeft -= seed.length
      if (seed.length < bytes.length) inbox.push(bytes.subarray(seed.length))
    }
    out.on('data', read)
    read(rest)
    out.resume()
    // Nothing is due on IN; reading on is how its end is noticed.
    inSocket.resume()
  }

  send(packet: Uint8Array, sent?: () => void): void {
    send(this.#in, encodeChunk(packet), sent)
  }

  async close(): Promise<void> {
    await sendLast(this.#in, LAST_CHUNK)
  }

  destroy(): void {
    this.#out.destroy()
    this.#in.destroy()
  }
}
