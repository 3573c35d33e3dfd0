import type { Socket } from 'node:net'
import type { HostCertificate, ProbedHost } from '../../control/index.ts'
import { BrokerError, errorText } from '../../lib/index.ts'
import {
  type ConnectionConfirm,
  encodeConnectionRequest,
  encodePreconnectionBlob,
  encodeProxyV2,
  SecurityProtocol,
} from '../../protocol/index.ts'
import { type AgentSecurity, agentTlsOptions } from '../agent-connection.ts'
import { certificateOf } from './certificate.ts'
import { anyIdentity, ask, HostHungUp, openTls, type Patience, patiently } from './exchange.ts'
import { nameOf, readHostAnswer } from './host-answer.ts'

/** What a host of its kind has shown once it is reached. */
export type Spoken =
  | { kind: 'answers'; security: string; certificate?: HostCertificate }
  /** It is no host of that kind, or does not work as one. */
  | { kind: 'not-rdp'; detail: string }
  /** It is an RDP host, and its TLS fails. */
  | { kind: 'tls-failed'; detail: string }

/** What every client of today offers. */
const OFFERED = SecurityProtocol.ssl | SecurityProtocol.hybrid | SecurityProtocol.hybridEx

/** Names no VM. */
const NO_VM = '00000000-0000-0000-0000-000000000000'

const VNC_VERSION_BYTES = 12

/** How to talk to a host, apart from what it is. */
export interface Manners extends Patience {
  /** How this node dials host agents; undefined where it dials none. */
  agents: AgentSecurity | undefined
}

/**
 * Begins a console as far as nobody has to prove anything. INVARIANT: no token is sent, to no kind of host.
 *
 * @throws the signal's reason; nothing else, whatever the host does
 */
export async function speak(
  socket: Socket,
  host: Pick<ProbedHost, 'kind' | 'address' | 'guid'>,
  { agents, ...patience }: Manners,
): Promise<Spoken> {
  try {
    switch (host.kind) {
      case 'rdp':
        return await negotiate(socket, host.address, patience)
      case 'hyperv':
        return await speakTlsAtOnce(socket, host, patience)
      case 'agent':
        return await askAgent(socket, host, { agents, ...patience })
      case 'vnc':
        return await readVersion(socket, patience)
    }
  } catch (error) {
    patience.signal.throwIfAborted()
    return { kind: 'not-rdp', detail: describe(error) }
  }
}

/** X.224, then TLS where the host chose it, [MS-RDPBCGR] 5.4.2.1. */
async function negotiate(socket: Socket, address: string, patience: Patience): Promise<Spoken> {
  const request = encodeConnectionRequest({
    negotiation: { flags: 0, requestedProtocols: OFFERED },
  })
  const answer = await ask(socket, request, readHostAnswer, patience)
  if (answer.kind === 'other') return { kind: 'not-rdp', detail: `answers as ${answer.what}` }
  const security = securityOf(answer.confirm)
  if (answer.confirm.kind !== 'selected' || answer.confirm.selectedProtocol === 0) {
    return { kind: 'answers', security }
  }
  try {
    return { kind: 'answers', security, ...(await lookAtTls(socket, address, patience)) }
  } catch (error) {
    patience.signal.throwIfAborted()
    return { kind: 'tls-failed', detail: `TLS fails: ${tlsErrorText(error)}` }
  }
}

/**
 * Hyper-V: blob, then TLS without X.224, [MS-RDPBCGR] 5.4.2.2. What follows in it is CredSSP, which is for
 * who has credentials: so the confirm that comes last is never seen here.
 */
async function speakTlsAtOnce(
  socket: Socket,
  { address, guid = NO_VM }: Pick<ProbedHost, 'address' | 'guid'>,
  patience: Patience,
): Promise<Spoken> {
  socket.write(encodePreconnectionBlob({ version: 2, id: 0, text: guid }))
  try {
    const seen = await lookAtTls(socket, address, patience)
    return { kind: 'answers', security: 'tls after the blob', ...seen }
  } catch (error) {
    patience.signal.throwIfAborted()
    const silentOrGone = error instanceof BrokerError
    const detail = silentOrGone ? describe(error) : `answers with other bytes than TLS`
    return { kind: 'not-rdp', detail: `${detail} after the blob` }
  }
}

/** Leaves in order, so that no host has to log a broken handshake every minute. */
async function lookAtTls(
  socket: Socket,
  address: string,
  patience: Patience,
): Promise<{ certificate?: HostCertificate }> {
  const secure = await openTls(socket, anyIdentity(address), patience)
  const certificate = certificateOf(secure, address)
  const left = new Promise<void>((resolve) => secure.end(() => resolve()))
  await patiently(left, patience)
  return certificate === undefined ? {} : { certificate }
}

/**
 * A host agent, dialled as for a console. The PROXY header says that the node speaks for itself; without a token
 * the agent then refuses, in the words of RDP: that it does is the proof.
 */
async function askAgent(
  socket: Socket,
  { address, guid = NO_VM }: Pick<ProbedHost, 'address' | 'guid'>,
  { agents, ...patience }: Manners,
): Promise<Spoken> {
  if (agents === undefined) throw new TypeError('this node dials no host agents')
  let agent = socket
  let certificate: HostCertificate | undefined
  if (agents !== 'plain') {
    try {
      const secure = await openTls(socket, agentTlsOptions(agents, address), patience)
      certificate = certificateOf(secure, address)
      agent = secure
    } catch (error) {
      patience.signal.throwIfAborted()
      if (error instanceof BrokerError && error.code !== 'ERR_CERTIFICATE') throw error
      return { kind: 'tls-failed', detail: `TLS fails: ${tlsErrorText(error)}` }
    }
  }
  const question = Buffer.concat([
    encodeProxyV2(),
    encodePreconnectionBlob({ version: 2, id: 0, text: guid }),
    encodeConnectionRequest({ negotiation: { flags: 0, requestedProtocols: OFFERED } }),
  ])
  try {
    const answer = await ask(agent, question, readHostAnswer, patience)
    if (answer.kind === 'other') return { kind: 'not-rdp', detail: `answers as ${answer.what}` }
    const seen = certificate === undefined ? {} : { certificate }
    return { kind: 'answers', security: agents === 'plain' ? 'plain' : 'mutual tls', ...seen }
  } finally {
    agent.end()
  }
}

/** RFC 6143 7.1.1: the server speaks first. */
function readVersion(socket: Socket, patience: Patience): Promise<Spoken> {
  return ask<Spoken>(
    socket,
    Buffer.alloc(0),
    (bytes, isAll) => {
      if (bytes.length < VNC_VERSION_BYTES && !(isAll && bytes.length > 0)) return undefined
      return /^RFB \d{3}\.\d{3}\n/.test(bytes.subarray(0, VNC_VERSION_BYTES).toString('latin1'))
        ? { kind: 'answers', security: 'vnc' }
        : { kind: 'not-rdp', detail: `speaks as ${nameOf(bytes)}` }
    },
    patience,
  )
}

function securityOf(confirm: ConnectionConfirm): string {
  switch (confirm.kind) {
    case 'plain':
      return 'rdp'
    case 'failure':
      return `refuses (${confirm.failureCode})`
    case 'selected':
      return PROTOCOL_NAMES.get(confirm.selectedProtocol) ?? String(confirm.selectedProtocol)
  }
}

const PROTOCOL_NAMES = new Map<number, string>([
  [SecurityProtocol.rdp, 'rdp'],
  [SecurityProtocol.ssl, 'tls'],
  [SecurityProtocol.hybrid, 'credssp'],
  [SecurityProtocol.hybridEx, 'credssp'],
])

function describe(error: unknown): string {
  if (error instanceof HostHungUp) return error.message
  if (error instanceof BrokerError && error.code === 'ERR_DEADLINE') {
    return `accepts the connection and says ${error.message}`
  }
  return errorText(error)
}

/** OpenSSL's own reason where there is one: its whole message names source files. */
function tlsErrorText(error: unknown): string {
  const reason = error instanceof Error && 'reason' in error ? error.reason : undefined
  return typeof reason === 'string' ? reason : errorText(error)
}
