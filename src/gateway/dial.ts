import { connect, type Socket } from 'node:net'
import { BrokerError, type Endpoint, errorText, Refusal, withDeadline } from '../lib/index.ts'
import { HostReader } from './host-reader.ts'
import { resolveTarget, type Target, type TargetPolicy } from './targets.ts'

/** A connected host: nothing has been read yet, `reader.start` begins. */
export interface HostConnection {
  socket: Socket
  reader: HostReader
  target: Target
}

export interface DialOptions {
  policy: TargetPolicy
  /** Name look-up and all attempts together. */
  timeoutMs: number
  /** Addresses of one name that are tried, in order. */
  maxAttempts: number
  /** Ends the attempt, for example because the client has gone. */
  signal: AbortSignal
}

const KEEP_ALIVE_AFTER_MS = 30_000

/**
 * Connects to a hypervisor host: resolves the name once, checks every address, and dials the admitted
 * literal addresses one after the other until one answers.
 *
 * @throws Refusal `target-not-allowed`, `host-unreachable`; the signal's reason when it ends the attempt
 */
export async function dialHost(endpoint: Endpoint, options: DialOptions): Promise<HostConnection> {
  const deadline = AbortSignal.timeout(options.timeoutMs)
  const signal = AbortSignal.any([options.signal, deadline])
  const targets = await withDeadline(
    resolveTarget(endpoint, options.policy),
    options.timeoutMs,
    `address of ${endpoint.host}`,
  ).catch(asUnreachable)
  let lastError: unknown
  for (const target of targets.slice(0, options.maxAttempts)) {
    try {
      return await dialTarget(target, signal)
    } catch (error) {
      options.signal.throwIfAborted()
      lastError = error
      if (deadline.aborted) break
    }
  }
  const cause = deadline.aborted ? `no answer within ${options.timeoutMs} ms` : errorText(lastError)
  throw new Refusal('host-unreachable', `${endpoint.host} port ${endpoint.port}: ${cause}`, {
    cause: lastError,
  })
}

/** One literal address; the returned socket is paused and its owner must handle `error`. */
function dialTarget(target: Target, signal: AbortSignal): Promise<HostConnection> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted()
    const reader = new HostReader()
    const socket = connect({
      host: target.address,
      port: target.port,
      onread: reader.onread,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    })
    socket.pause()
    const abort = (): void => {
      socket.destroy()
      reject(signal.reason)
    }
    signal.addEventListener('abort', abort, { once: true })
    socket.once('error', (error) => {
      signal.removeEventListener('abort', abort)
      reject(error)
    })
    socket.once('connect', () => {
      signal.removeEventListener('abort', abort)
      // A reset between here and the owner's own handlers must not be an unhandled error.
      socket.on('error', () => {})
      resolve({ socket, reader, target })
    })
  })
}

function asUnreachable(error: unknown): never {
  if (error instanceof BrokerError && error.code === 'ERR_DEADLINE') {
    throw new Refusal('host-unreachable', error.message, { cause: error })
  }
  throw error
}
