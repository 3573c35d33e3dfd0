import { connect, type OnReadOpts, type Socket } from 'node:net'
import { type ConnectionOptions, checkServerIdentity, connect as connectTls } from 'node:tls'
import type { Peer } from '../control/index.ts'
import { BrokerError, errorText, Refusal } from '../lib/index.ts'
import { encodeProxyV2 } from '../protocol/index.ts'

/** The node's own control certificate, and whom it takes for an agent. */
export interface AgentTls {
  certificatePem: string
  privateKeyPem: string
  /** PEM of the control CA. */
  ca: string
  /** Who a certificate (DER), which the control CA has signed, belongs to; of its peers only an agent is taken. */
  identify(certificate: Uint8Array): Peer | undefined
}

/** How this node talks to host agents, whatever a client or an agent says: there is no way from one to the other. */
export type AgentSecurity = AgentTls | 'plain'

/** A connection to a host agent, on behalf of a client. */
export interface AgentCall {
  security: AgentSecurity
  /** Name or address of the host, as the token has it: the agent's certificate must be for it. */
  host: string
  /** The client's own address: the agent binds the host token to it. */
  clientAddress: string
}

/** Of a socket that was closed in the same moment. */
const UNKNOWN_ADDRESS = '0.0.0.0'

/** Where the socket goes to, and what it reads into. */
export interface SocketOptions {
  /** Literal. */
  host: string
  port: number
  onread: OnReadOpts
  noDelay: boolean
  keepAlive: boolean
  keepAliveInitialDelay: number
}

/**
 * Dials an agent; the socket is paused. `onReady` is called when the agent has proven who it is, and the PROXY
 * header with the client's address is on its way.
 *
 * @param onError with the system's error before TCP is there, after it with Refusal `host-tls-mismatch`
 */
export function connectAgent(
  options: SocketOptions,
  call: AgentCall,
  { onReady, onError }: { onReady(socket: Socket): void; onError(error: unknown): void },
): Socket {
  const { security, clientAddress } = call
  const introduce = (socket: Socket): void => {
    try {
      socket.write(proxyHeader(socket, clientAddress))
    } catch (error) {
      onError(error)
      socket.destroy()
      return
    }
    onReady(socket)
  }
  if (security === 'plain') {
    const socket = connect(options).pause()
    socket.on('error', onError)
    return socket.once('connect', () => introduce(socket))
  }
  const socket = connectTls({ ...options, ...agentTlsOptions(security, call.host) })
  let isConnected = false
  socket.once('connect', () => {
    isConnected = true
  })
  socket.on('error', (error) => onError(isConnected ? tlsMismatch(call, error) : error))
  socket.once('close', () => onError(tlsMismatch(call, 'closed in the middle of the handshake')))
  return socket.once('secureConnect', () => {
    socket.pause()
    introduce(socket)
  })
}

/** @throws Error for a client whose address can't be read */
function proxyHeader({ localAddress, localPort }: Socket, clientAddress: string): Buffer {
  return encodeProxyV2({
    // Of a client's port nothing is known behind a balancer, and an agent asks for none.
    source: { address: clientAddress, port: 0 },
    destination: { address: localAddress ?? UNKNOWN_ADDRESS, port: localPort ?? 0 },
  })
}

/** TLS by which node and agent prove who they are, each to the other. */
export function agentTlsOptions(
  { certificatePem, privateKeyPem, ca, identify }: AgentTls,
  host: string,
): ConnectionOptions {
  return {
    cert: certificatePem,
    key: privateKeyPem,
    ca,
    minVersion: 'TLSv1.3',
    checkServerIdentity: (_dialled, certificate) => {
      const peer = identify(certificate.raw)
      if (peer?.role === 'agent') return checkServerIdentity(host, certificate)
      const found = peer === undefined ? 'no control peer' : `${peer.role} ${peer.name}`
      return new BrokerError('ERR_CERTIFICATE', `certificate: need an agent's, is of ${found}`)
    },
  }
}

function tlsMismatch({ host }: AgentCall, cause: unknown): Refusal {
  return new Refusal('host-tls-mismatch', `host agent ${host}: ${errorText(cause)}`, { cause })
}
