import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'

/** A port whose SYN nobody answers. */
export interface UnansweringTarget {
  port: number
  close(): Promise<void>
}

/** Listens for two connections and blocks its thread at once: nothing is accepted, and the queue stays full. */
const BLOCKED_LISTENER = `
  const { parentPort } = require('node:worker_threads')
  const server = require('node:net').createServer()
  server.listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
    parentPort.postMessage(server.address().port)
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })
`
/** More than its queue holds. */
const FILLERS = 4
const SETTLE_MS = 100

/** Without a network that drops packets, a full accept queue makes a connect hang (Linux drops its SYN). */
export async function startUnanswering(): Promise<UnansweringTarget> {
  const worker = new Worker(BLOCKED_LISTENER, { eval: true })
  const [port]: number[] = await once(worker, 'message')
  if (port === undefined) throw new Error('the worker told no port')
  const fillers = Array.from({ length: FILLERS }, () => connect(port, '127.0.0.1'))
  for (const filler of fillers) filler.on('error', () => {})
  await sleep(SETTLE_MS)
  if (!fillers.some((filler: Socket) => filler.connecting)) {
    throw new Error('the listener takes all connections: its queue is not full')
  }
  return {
    port,
    async close() {
      for (const filler of fillers) filler.destroy()
      await worker.terminate()
    },
  }
}
