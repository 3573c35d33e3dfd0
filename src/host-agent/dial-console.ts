import { connect, type Socket } from 'node:net'
import { errorText, formatEndpoint, Refusal } from '../lib/index.ts'
import type { ConsolePlace } from './consoles.ts'

/**
 * Connects to a machine's console. The returned socket is paused, and its owner must handle `error`.
 *
 * @throws Refusal `host-unreachable`; the signal's reason
 */
export function dialConsole(
  { address }: ConsolePlace,
  { timeoutMs, signal }: { timeoutMs: number; signal: AbortSignal },
): Promise<Socket> {
  const { promise, resolve, reject } = Promise.withResolvers<Socket>()
  const socket = connect({ ...address, noDelay: true }).pause()
  const giveUp = (error: unknown): void => {
    reject(error)
    socket.destroy()
  }
  const unreachable = (cause: string): Refusal =>
    new Refusal('host-unreachable', `console ${nameOf(address)}: ${cause}`)
  const onAbort = (): void => giveUp(signal.reason)
  const timer = setTimeout(() => giveUp(unreachable(`no answer in ${timeoutMs} ms`)), timeoutMs)
  signal.addEventListener('abort', onAbort, { once: true })
  // For good: a reset between here and the owner's own handlers must not be an unhandled error.
  socket.on('error', (error) => reject(unreachable(errorText(error))))
  socket.once('connect', () => resolve(socket))
  if (signal.aborted) onAbort()
  return promise.finally(() => {
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
  })
}

export function nameOf(address: ConsolePlace['address']): string {
  return 'path' in address ? address.path : formatEndpoint(address)
}
