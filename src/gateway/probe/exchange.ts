import { connect as connectTcp, isIP, type Socket } from 'node:net'
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from 'node:tls'
import { BrokerError } from '../../lib/index.ts'
import type { Target } from '../targets.ts'

/** Every wait on a host: it ends with the host's word, its end, the time or the signal. */
export interface Patience {
  timeoutMs: number
  signal: AbortSignal
}

/**
 * A TCP connection to an address that the policy has admitted. Its owner destroys it.
 *
 * @throws what the system says of it; BrokerError `ERR_DEADLINE`; the signal's reason
 */
export async function openSocket(target: Target, patience: Patience): Promise<Socket> {
  const socket = connectTcp({ host: target.address, port: target.port, noDelay: true })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // For good: a reset while nobody waits must not be an unhandled error.
  socket.on('error', reject)
  socket.once('connect', resolve)
  try {
    await patiently(promise, patience)
    return socket
  } catch (error) {
    socket.destroy()
    throw error
  }
}

/** How a host ended the connection in place of an answer, `closed` or `reset`, and after how many bytes. */
export class HostHungUp extends BrokerError {
  constructor(how: 'closes' | 'resets', bytes: number) {
    super('ERR_CLOSED', `${how} the connection${bytes === 0 ? '' : ` after ${bytes} bytes`}`)
  }
}

/**
 * Sends a question and reads until `read` is content with what came back.
 *
 * @param question empty where the host speaks first
 * @param read undefined: more is needed; `isAll` when there won't be
 * @throws HostHungUp; BrokerError `ERR_DEADLINE`; the signal's reason
 */
export async function ask<Answer>(
  socket: Socket,
  question: Uint8Array,
  read: (bytes: Buffer, isAll: boolean) => Answer | undefined,
  patience: Patience,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>()
  let received: Buffer = Buffer.alloc(0)
  const onData = (bytes: Buffer): void => {
    received = Buffer.concat([received, bytes])
    const answer = read(received, false)
    if (answer !== undefined) resolve(answer)
  }
  const onEnd = (): void => {
    const answer = read(received, true)
    if (answer === undefined) reject(new HostHungUp('closes', received.length))
    else resolve(answer)
  }
  const onError = (): void => reject(new HostHungUp('resets', received.length))
  socket.on('data', onData).on('end', onEnd).on('error', onError).on('close', onEnd)
  try {
    // What has happened before is not told again.
    if (socket.destroyed) onError()
    else if (question.length > 0) socket.write(question)
    return await patiently(promise, patience)
  } finally {
    // A TLS handshake may follow, and its bytes must not be lost meanwhile.
    socket.pause()
    socket.off('data', onData).off('end', onEnd).off('error', onError).off('close', onEnd)
  }
}

/**
 * TLS over the socket.
 *
 * @param options how to prove who is who; without any, nobody has to
 * @throws what TLS says of it; HostHungUp; BrokerError `ERR_DEADLINE`; the signal's reason
 */
export async function openTls(
  socket: Socket,
  options: ConnectionOptions,
  patience: Patience,
): Promise<TLSSocket> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const secure = connectTls({ ...options, socket })
  secure.on('error', reject)
  secure.once('secureConnect', resolve)
  secure.once('close', () => reject(new HostHungUp('closes', 0)))
  try {
    await patiently(promise, patience)
    return secure
  } catch (error) {
    secure.destroy()
    throw error
  }
}

/** Whoever the host says it is: its certificate is looked at, and nothing is told to it. */
export function anyIdentity(name: string): ConnectionOptions {
  return { rejectUnauthorized: false, ...(isIP(name) === 0 ? { servername: name } : {}) }
}

/** @throws BrokerError `ERR_DEADLINE`; the signal's reason */
export async function patiently<T>(
  promise: Promise<T>,
  { timeoutMs, signal }: Patience,
): Promise<T> {
  signal.throwIfAborted()
  const { promise: over, reject } = Promise.withResolvers<never>()
  const abort = (): void => reject(signal.reason)
  const timer = setTimeout(
    () => reject(new BrokerError('ERR_DEADLINE', `nothing within ${timeoutMs} ms`)),
    timeoutMs,
  )
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, over])
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
    // Whoever loses the race may still fail.
    promise.catch(() => {})
  }
}
