import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { connect as connectTls, getCACertificates, type TLSSocket } from 'node:tls'
import { BrokerError, type Endpoint, errorText, isUntrusted } from '../lib/index.ts'

const KEEP_ALIVE_AFTER_MS = 30_000

/**
 * @param from literal address of this machine to come from; the system's choice when absent
 * @throws BrokerError `ERR_NO_ANSWER`; the signal's reason
 */
export function dialTcp(
  { host, port }: Endpoint,
  signal: AbortSignal,
  from?: string,
): Promise<Socket> {
  const socket = connectTcp({
    host,
    port,
    // A name may have addresses of both families, and only those of the same one are reached from it.
    ...(from === undefined ? {} : { localAddress: from, family: isIP(from) }),
    noDelay: true,
    keepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
  })
  return untilReady(socket, 'connect', signal)
}

export interface TlsOptions {
  /** PEM of the authorities to trust; the system's when absent. */
  ca: string | undefined
  /** Name or address that the certificate must be for. */
  host: string
}

/**
 * TLS with the gateway, which must prove its name: there is no way to switch that off.
 *
 * @throws BrokerError `ERR_CERTIFICATE` when it can't, `ERR_NO_ANSWER`; the signal's reason
 */
export async function startTls(
  socket: Socket,
  { ca, host }: TlsOptions,
  signal: AbortSignal,
): Promise<TLSSocket> {
  const secure = connectTls({
    socket,
    host,
    // A literal address may not stand in SNI; it is checked against the certificate all the same.
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ca: ca ?? systemAuthorities(),
    ALPNProtocols: ['http/1.1'],
    minVersion: 'TLSv1.2',
    rejectUnauthorized: true,
  })
  try {
    return await untilReady(secure, 'secureConnect', signal)
  } catch (error) {
    // Node's types leave out that it is unset unless the check has failed.
    if (signal.aborted || !secure.authorizationError) throw error
    const problem = isUntrusted(error) ? ' is of no trusted authority' : `: ${errorText(error)}`
    throw new BrokerError('ERR_CERTIFICATE', `the gateway's certificate${problem}`, {
      cause: error,
    })
  }
}

/** Node's own list where the system has none. */
function systemAuthorities(): string[] {
  const authorities = getCACertificates('system')
  return authorities.length > 0 ? authorities : getCACertificates('bundled')
}

async function untilReady<S extends Socket>(
  socket: S,
  event: 'connect' | 'secureConnect',
  signal: AbortSignal,
): Promise<S> {
  const { promise, resolve, reject } = Promise.withResolvers<S>()
  const abort = (): void => reject(signal.reason)
  // This handler stays: a reset that comes before the owner listens must not end the process.
  socket.on('error', reject)
  socket.once('close', () => {
    reject(new BrokerError('ERR_NO_ANSWER', 'the gateway closed the connection'))
  })
  socket.once(event, () => resolve(socket))
  signal.addEventListener('abort', abort, { once: true })
  try {
    if (signal.aborted) abort()
    return await promise
  } catch (error) {
    socket.destroy()
    throw error
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
