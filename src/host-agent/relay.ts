import type { Socket } from 'node:net'
import { Refusal } from '../lib/index.ts'

export interface RelayOptions {
  /** From the node; paused. */
  client: Socket
  /** Of the machine; paused. */
  console: Socket
  /** Ends it from outside, with the signal's reason. */
  signal: AbortSignal
  slowPeerMs: number
}

/**
 * Bytes both ways until one side ends; a slow side pauses the other. Closing the sockets is left to the caller.
 *
 * @returns why it ended
 */
export async function relay(options: RelayOptions): Promise<unknown> {
  const { client, console, signal, slowPeerMs } = options
  const { promise, resolve } = Promise.withResolvers<unknown>()
  const watch = (side: Socket, reason: 'client-closed' | 'host-closed', who: string): void => {
    side.on('end', () => resolve(new Refusal(reason, `${who}: end of stream`)))
    side.on('error', (error) => resolve(new Refusal(reason, `${who}: ${error.message}`)))
    side.on('close', () => resolve(new Refusal(reason, `${who}: connection closed`)))
    if (side.destroyed) resolve(new Refusal(reason, `${who}: connection closed`))
  }
  watch(client, 'client-closed', 'client')
  watch(console, 'host-closed', 'console')
  const onAbort = (): void => resolve(signal.reason)
  signal.addEventListener('abort', onAbort, { once: true })
  if (signal.aborted) onAbort()
  const timers = [
    watchForStall(client, slowPeerMs, () => resolve(slow('client', slowPeerMs))),
    watchForStall(console, slowPeerMs, () => resolve(slow('console', slowPeerMs))),
  ]
  client.pipe(console, { end: false })
  console.pipe(client, { end: false })
  try {
    return await promise
  } finally {
    for (const timer of timers) clearInterval(timer)
    signal.removeEventListener('abort', onAbort)
    client.unpipe(console)
    console.unpipe(client)
  }
}

/** Calls back when bytes have waited for this socket during a whole period in which it took none. */
function watchForStall(socket: Socket, periodMs: number, onStall: () => void): NodeJS.Timeout {
  let waited = false
  let taken = 0
  return setInterval(() => {
    const waits = socket.writableLength > 0
    const now = socket.bytesWritten - socket.writableLength
    if (waited && waits && now === taken) onStall()
    waited = waits
    taken = now
  }, periodMs)
}

function slow(who: string, periodMs: number): Refusal {
  return new Refusal('slow-peer', `${who}: took nothing within ${periodMs} ms`)
}
