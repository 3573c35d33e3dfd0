import { connect, type Socket } from 'node:net'
import { BrokerError, type Endpoint, errorText, Refusal } from '../lib/index.ts'
import { type AgentCall, connectAgent } from './agent-connection.ts'
import { HostReader } from './host-reader.ts'
import type { Lookup } from './lookup.ts'
import type { ReadBuffers } from './read-buffers.ts'
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
  /** The host is read into these; its own when absent. */
  buffers?: ReadBuffers
  /** The host is a host agent: it is dialled so, or not at all. */
  agent?: AgentCall | undefined
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
 * @throws Refusal `target-not-allowed`, `host-unreachable`, of an agent `host-tls-mismatch`; the signal's reason
 *   when it ends the attempt
 */
export async function dialHost(endpoint: Endpoint, options: DialOptions): Promise<HostConnection> {
  const { policy, lookup, timeoutMs, maxAttempts, signal } = options
  signal.throwIfAborted()
  const endsAtMs = performance.now() + timeoutMs
  try {
    const targets = await resolveWithin(timeoutMs, signal, () =>
      resolveTarget(endpoint, policy, lookup),
    )
    return await dialFirst(targets.slice(0, maxAttempts), endsAtMs, options)
  } catch (error) {
    signal.throwIfAborted()
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
  { signal, buffers, agent }: DialOptions,
): Promise<HostConnection> {
  let lastError: unknown
  for (const [index, target] of targets.entries()) {
    const leftMs = Math.max(0, endsAtMs - performance.now())
    try {
      const timeoutMs = Math.ceil(leftMs / (targets.length - index))
      return await dialTarget(target, new HostReader(buffers), { timeoutMs, signal, agent })
    } catch (error) {
      signal.throwIfAborted()
      lastError = error
    }
  }
  throw lastError
}

/** A name look-up cannot be stopped: what it finds later is not waited for. */
function resolveWithin(
  timeoutMs: number,
  signal: AbortSignal,
  resolveTargets: () => Promise<Target[]>,
): Promise<Target[]> {
  return within(timeoutMs, signal, (resolve, reject) => {
    resolveTargets().then(resolve, reject)
    return () => {}
  })
}

/** One literal address; the returned socket is paused and its owner must handle `error`. */
function dialTarget(
  target: Target,
  reader: HostReader,
  { timeoutMs, signal, agent }: Pick<DialOptions, 'timeoutMs' | 'signal' | 'agent'>,
): Promise<HostConnection> {
  return within(timeoutMs, signal, (resolve, reject) => {
    const options = {
      host: target.address,
      port: target.port,
      onread: reader.onread,
      noDelay: true,
      keepAlive: true,
      keepAliveInitialDelay: KEEP_ALIVE_AFTER_MS,
    }
    if (agent !== undefined) {
      const onReady = (socket: Socket): void => resolve({ socket, reader, target })
      const dialled = connectAgent(options, agent, { onReady, onError: reject })
      return () => dialled.destroy()
    }
    const socket = connect(options).pause()
    // For good: a reset between here and the owner's own handlers must not be an unhandled error.
    socket.on('error', reject)
    socket.once('connect', () => resolve({ socket, reader, target }))
    return () => socket.destroy()
  })
}

/**
 * What `start` resolves with, unless the time is over or the signal aborts before: then its work is
 * stopped. Timers instead of combined signals, which cost 50 µs of a set-up and 2 KiB of a tunnel.
 *
 * @param start begins the work and returns how to stop it
 * @throws BrokerError `ERR_DEADLINE`; the signal's reason
 */
async function within<T>(
  timeoutMs: number,
  signal: AbortSignal,
  start: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const stop = start(resolve, reject)
  const giveUp = (error: unknown): void => {
    reject(error)
    stop()
  }
  const abort = (): void => giveUp(signal.reason)
  const timer = setTimeout(() => {
    giveUp(new BrokerError('ERR_DEADLINE', `nothing within ${timeoutMs} ms`))
  }, timeoutMs)
  signal.addEventListener('abort', abort, { once: true })
  try {
    return await promise
  } finally {
    clearTimeout(timer)
    signal.removeEventListener('abort', abort)
  }
}

function isTimeout(error: unknown): boolean {
  return error instanceof BrokerError && error.code === 'ERR_DEADLINE'
}
