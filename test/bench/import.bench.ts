import { fork } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { afterAll, beforeAll, test } from 'vitest'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { createIssuer, type Issuer } from '../../src/tokens/index.ts'
import { type BrokerFiles, createBrokerFiles, start } from '../cli/running-broker.ts'
import type { ImportFigures, ImportOrders } from './import-load.ts'

/** Of hosts and of machines each, as many as an import may have. */
const ROWS = 10_000

let files: BrokerFiles
let broker: RunningBroker
let issuer: Issuer

beforeAll(async () => {
  files = await createBrokerFiles(['gw1'])
  broker = await start(files.config)
  const { certificateFile, privateKeyFile } = files.config.issuer
  issuer = await createIssuer({
    certificatePem: readFileSync(certificateFile, 'utf8'),
    privateKeyPem: readFileSync(privateKeyFile, 'utf8'),
  })
})

afterAll(async () => {
  await broker.close()
  files.remove()
})

/** A file of a broker with `synchronous=FULL`; the node waits a second for each redeem, as nodes do. */
test.each([
  ['20,000 new rows', '192.0.2.10', 'Web'],
  ['20,000 rows that are there', '192.0.2.10', 'Web'],
  ['20,000 changed rows', '192.0.2.11', 'Mail'],
])('redeems during an import of %s', async (title, address, name) => {
  const ids = Array.from({ length: ROWS }, (_, index) => String(index).padStart(5, '0'))
  const hosts = ids.map((id) => ({ id: `host-${id}`, kind: 'rdp', address }))
  const vms = ids.map((id) => ({ ...{ id: `vm-${id}`, tenant: 'acme' }, name, host: `host-${id}` }))
  const figures = await measure({ tenants: [], hosts, vms })
  const { importMs, redeems, unanswered, p50Ms, p99Ms, mostMs, loopMostMs } = figures
  process.stdout.write(
    `import of ${title}: ${importMs.toFixed(0)} ms, event loop late ${loopMostMs.toFixed(0)} ms at most; ` +
      `of ${redeems} redeems ${unanswered} unanswered, p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(0)} ms, most ${mostMs.toFixed(0)} ms\n`,
  )
})

async function measure(body: object): Promise<ImportFigures & { loopMostMs: number }> {
  const { controlAddress: control } = broker
  const tls = files.nodeTls.gw1
  if (control === undefined || tls === undefined)
    throw new Error('the broker has no control channel')
  const orders: ImportOrders = {
    node: { control, controlCa: files.controlCa, tls },
    api: {
      url: `https://127.0.0.1:${broker.address.port}`,
      key: files.key.reveal(),
      ca: readFileSync(files.caFile, 'utf8'),
    },
    tokens: await Promise.all(Array.from({ length: 2_000 }, mint)),
    body,
  }
  const child = fork(join(import.meta.dirname, 'import-load.ts'))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const answered = new Promise<ImportFigures>((resolve, reject) => {
    // Our own child's message.
    child.once('message', (figures) => resolve(figures as ImportFigures))
    child.once('exit', (code) => reject(new Error(`load ended with ${code}`)))
  })
  child.send(orders)
  delay.enable()
  const figures = await answered
  delay.disable()
  return { ...figures, loopMostMs: delay.max / 1e6 - 1 }
}

async function mint(): Promise<string> {
  const now = Math.floor(Date.now() / 1000)
  const token = await issuer.sign({
    ...{ iss: 'broker', aud: 'demo', jti: randomUUID(), iat: now, nbf: now, exp: now + 300 },
    ...{ tid: 'acme', sub: 'user1', vm: 'web', knd: 'rdp', dst: '192.0.2.10:3389' },
  })
  return token.reveal()
}
