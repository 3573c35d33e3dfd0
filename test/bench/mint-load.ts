/**
 * Asks a broker for consoles, in a process of its own so that its CPU time is not the broker's. Started by `mint.bench.ts`
 * with its orders as JSON; its figures are the one message that it sends.
 */
import { Agent, request } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'

export interface LoadOrders {
  port: number
  apiKey: string
  accept: string
  seconds: number
  connections: number
  /** Requests started in a second; absent: as many as get answered. */
  perSecond?: number
}

export interface LoadFigures {
  answered: number
  failed: number
  /** From the time a request was due, in milliseconds. */
  p50Ms: number
  p99Ms: number
}

const BODY = '{"vm":"web"}'

async function run(orders: LoadOrders): Promise<LoadFigures> {
  const { seconds, connections, perSecond } = orders
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const timesMs: number[] = []
  let failed = 0
  const ask = async (dueMs: number): Promise<void> => {
    const status = await post(orders, agent)
    if (status === 201) timesMs.push(performance.now() - dueMs)
    else failed += 1
  }
  const startMs = performance.now()
  const endMs = startMs + seconds * 1000
  if (perSecond === undefined) {
    const ofOneConnection = async (): Promise<void> => {
      while (performance.now() < endMs) await ask(performance.now())
    }
    await Promise.all(Array.from({ length: connections }, ofOneConnection))
  } else {
    const asked: Promise<void>[] = []
    for (let index = 0; index < perSecond * seconds; index += 1) {
      const dueMs = startMs + (index * 1000) / perSecond
      const waitMs = dueMs - performance.now()
      if (waitMs >= 1) await sleep(waitMs)
      asked.push(ask(dueMs))
    }
    await Promise.all(asked)
  }
  agent.destroy()
  const sorted = timesMs.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? Number.NaN
  return { answered: sorted.length, failed, p50Ms: at(0.5), p99Ms: at(0.99) }
}

function post({ port, apiKey, accept }: LoadOrders, agent: Agent): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        agent,
        method: 'POST',
        path: '/v1/consoles',
        headers: {
          authorization: `Bearer ${apiKey}`,
          accept,
          'content-type': 'application/json',
          'content-length': BODY.length,
        },
      },
      (answer) => {
        answer.resume()
        answer.once('end', () => resolve(answer.statusCode))
      },
    )
    asked.once('error', reject)
    asked.end(BODY)
  })
}

process.once('message', (orders: LoadOrders) => {
  void run(orders).then((figures) => process.send?.(figures, () => process.disconnect()))
})
