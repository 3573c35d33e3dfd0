/**
 * Redeems at even distances, as a node would, and imports meanwhile, in a process of its own so that the broker's event
 * loop is not its own. Started by `import.bench.ts` with its orders; its figures are the one message that it sends.
 */
import { randomUUID } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { importShape } from '../../src/broker/import-schemas.ts'
import { type ApiAccess, callApi } from '../../src/cli/api-client.ts'
import { Secret } from '../../src/lib/index.ts'
import { connectClient, type PresenterOptions } from '../helpers/presenter.ts'

/** Of a node, DESIGN 4.4: it waits no longer. */
const REDEEM_MS = 1_000
const EVERY_MS = 10
/** Redeems alone before the import, and after it. */
const AROUND_MS = 500

export interface ImportOrders {
  node: PresenterOptions
  api: { url: string; key: string; ca: string }
  /** One for each redeem. */
  tokens: string[]
  body: object
}

export interface ImportFigures {
  created: number
  changed: number
  importMs: number
  redeems: number
  /** Not answered in time: the node decides alone. */
  unanswered: number
  p50Ms: number
  p99Ms: number
  mostMs: number
}

async function run({ node, api, tokens, body }: ImportOrders): Promise<ImportFigures> {
  const client = await connectClient(node, REDEEM_MS)
  const access: ApiAccess = { url: new URL(api.url), key: new Secret(api.key), ca: api.ca }
  const timesMs: number[] = []
  let unanswered = 0
  let over = false
  const redeem = async (token: string): Promise<void> => {
    const started = performance.now()
    const asked = { token: new Secret(token), clientAddress: '192.0.2.7', tunnel: randomUUID() }
    const answer = await client.redeem(asked).catch(() => undefined)
    if (answer === undefined) unanswered += 1
    else if (!answer.ok) throw new Error(`redeem: ${answer.reason}`)
    timesMs.push(performance.now() - started)
  }
  const redeeming = (async () => {
    const asked: Promise<void>[] = []
    for (const token of tokens) {
      if (over) break
      asked.push(redeem(token))
      await sleep(EVERY_MS)
    }
    await Promise.all(asked)
  })()
  await sleep(AROUND_MS)
  const started = performance.now()
  const answer = await callApi(access, 'POST', '/v1/import', { body, answer: importShape })
  const importMs = performance.now() - started
  await sleep(AROUND_MS)
  over = true
  await redeeming
  await client.close()
  const sorted = timesMs.sort((a, b) => a - b)
  const at = (share: number): number => sorted[Math.floor((sorted.length - 1) * share)] ?? NaN
  return {
    created: answer.created,
    changed: answer.changed,
    importMs,
    redeems: sorted.length,
    unanswered,
    p50Ms: at(0.5),
    p99Ms: at(0.99),
    mostMs: at(1),
  }
}

process.once('message', (orders: ImportOrders) => {
  void run(orders).then((figures) => process.send?.(figures, () => process.disconnect()))
})
