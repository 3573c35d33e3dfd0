import { connect, type Socket } from 'node:net'
import { type Endpoint, errorText, Refusal } from '../lib/index.ts'
import { HostReader } from './host-reader.ts'
import type { Lookup } from './lookup.ts'
import { resolveTarget, type Target, type TargetPolicy } from './targets.ts'

/** A connected host: nothing has been read yet, `reader.start` begins. */
export interface HostConnection {
  socket: Socket
  reader: HostReader
  target: Target
}

export interface DialOptions {
  policy: TargetPolicy
  /** The system's when absent. */
  lookup?: Lookup
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
  const { policy, lookup, timeoutMs, maxAttempts } = options
  options.signal.throwIfAborted()
  const endsAtMs = performance.now() + timeoutMs
  const signal = AbortSignal.any([options.signal, AbortSignal.timeout(timeoutMs)])
  try {
    const targets = await unlessAborted(resolveTarget(endpoint, policy, lookup), signal)
    return await dialFirst(targets.slice(0, maxAttempts), endsAtMs, signal)
  } catch (error) {
    options.signal.throwIfAborted()
    if (error instanceof Refusal) throw error
    const cause = isTimeout(error) ? `no answer within ${timeoutMs} ms` : errorText(error)
    const detail = `${endpoint.host} port ${endpoint.port}: ${cause}`
    throw new Refusal('host-unreachable', detail, { cause: error })
  }
}

/** The time that is left is shared, so that an address that stays silent takes none from the others. */
async function dialFirst(
  targets: readonly Target[],
  endsAtMs: number,
  signal: AbortSignal,
): Promise<HostConnection> {
  let lastError: unknown
  for (const [index, target] of targets.entries()) {
    const leftMs = Math.max(0, endsAtMs - performance.now())
    const share = AbortSignal.timeout(Math.ceil(leftMs / (targets.length - index)))
    try {
      return await dialTarget(target, AbortSignal.any([signal, share]))
    } catch (error) {
      signal.throwIfAborted()
      lastError = error
    }
  }
  throw lastError
}

/** A name look-up cannot be stopped: what it finds later is not waited for. */
async function unlessAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>()
  const abort = (): void => aborted.reject(signal.reason)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await Promise.race([promise, aborted.promise])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof Error && error.name === 'TimeoutError'
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
