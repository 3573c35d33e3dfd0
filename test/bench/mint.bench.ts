import { fork } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { test } from 'vitest'
import { createApiKey, createBroker, seedStore } from '../../src/broker/index.ts'
import { createAuthority, issueCertificate, type KeyType } from '../../src/certs/index.ts'
import { createLog, type Secret, systemClock } from '../../src/lib/index.ts'
import { createPublisher, type Publisher } from '../../src/rdpfile/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'
import { createIssuer } from '../../src/tokens/index.ts'
import type { LoadFigures, LoadOrders } from './mint-load.ts'

const SECONDS = 4
/** V8 compiles in earnest what has run some ten thousand times: in the first seconds a console takes a fifth more. */
const WARM_UP_SECONDS = 12
const CONNECTIONS = 16

/**
 * `POST /v1/consoles` over plain HTTP on loopback, the store a file, the log written away. First as many as get answered, then
 * half of what DESIGN §14 asks for, at even distances: what counts there is the time of the slowest.
 */
test.for([
  ['JSON, unsigned file inside', 'application/json', undefined, 1_500],
  ['.rdp unsigned', 'application/x-rdp', undefined, 1_500],
  ['.rdp signed, RSA-2048', 'application/x-rdp', 'rsa-2048', 400],
  ['.rdp signed, RSA-4096', 'application/x-rdp', 'rsa-4096', 400],
] as const)('grants per second: %s', async ([title, accept, publisherKey, target]) => {
  await using broker = await startMintingBroker(publisherKey)
  const load = { ...broker, accept, connections: CONNECTIONS }
  await measure({ ...load, seconds: WARM_UP_SECONDS })
  report(`${title}, all it can`, await measure({ ...load, seconds: SECONDS }))
  const perSecond = target / 2
  report(`${title}, ${perSecond}/s`, await measure({ ...load, seconds: SECONDS, perSecond }))
})

interface MintingBroker extends AsyncDisposable {
  port: number
  apiKey: string
}

async function startMintingBroker(publisherKey: KeyType | undefined): Promise<MintingBroker> {
  const directory = await mkdtemp(join(tmpdir(), 'portcullis-mint-'))
  const store = await openSqliteStore({ file: join(directory, 'store.sqlite') })
  const key = createApiKey('bench')
  await seedStore(store, content(key), systemClock)
  const { issuer, publisher } = await createKeys(publisherKey)
  const broker = await createBroker({
    store,
    issuer,
    ...(publisher === undefined ? {} : { publisher }),
    name: 'broker',
    farm: { name: 'bench', address: 'gateway.example:443' },
    clock: systemClock,
    minting: { tenantPerMinute: Number.MAX_SAFE_INTEGER },
    log: createLog({ level: 'info', stream: { write: () => {} } }),
  })
  const server = createServer(broker.app.callback())
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  // Listening on a port, so it is no path of a pipe.
  const { port } = server.address() as AddressInfo
  return {
    port,
    apiKey: key.reveal(),
    async [Symbol.asyncDispose]() {
      server.close()
      server.closeAllConnections()
      await broker.close()
      await store.close()
      await rm(directory, { recursive: true })
    },
  }
}

function content(key: Secret) {
  const host = { id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389 } as const
  return {
    tenants: [{ id: 'acme', name: 'Acme' }],
    hosts: [{ ...host, identify: 'ipv4', consoleAllow: true } as const],
    vms: [{ id: 'web', name: 'Web', tenant: 'acme', host: 'hv1' }],
    apiKeys: [{ label: 'bench', key }],
  }
}

async function createKeys(publisherKey: KeyType | undefined) {
  const common = { organization: 'Bench', notBefore: new Date(), days: 2, commonName: 'Bench' }
  const authority = await createAuthority(common)
  const issuer = await issueCertificate({ ...common, authority, role: 'issuer' })
  const publisher: Publisher | undefined =
    publisherKey &&
    createPublisher(
      await issueCertificate({ ...common, authority, role: 'publisher', key: publisherKey }),
    )
  return { issuer: await createIssuer(issuer), publisher }
}

interface Figures extends LoadFigures {
  perSecond: number
  /** CPU time of this process, its thread pool included. */
  cpuMsEach: number
  /** How late the event loop was, in milliseconds. */
  loopP99Ms: number
  loopMaxMs: number
}

async function measure(orders: LoadOrders): Promise<Figures> {
  const child = fork(join(import.meta.dirname, 'mint-load.ts'))
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const answered = new Promise<LoadFigures>((resolve, reject) => {
    // Our own child's message.
    child.once('message', (figures) => resolve(figures as LoadFigures))
    child.once('exit', (code) => reject(new Error(`load ended with ${code}`)))
  })
  const cpuBefore = process.cpuUsage()
  const { port, apiKey, accept, seconds, connections, perSecond } = orders
  child.send({ port, apiKey, accept, seconds, connections, perSecond })
  delay.enable()
  const figures = await answered
  delay.disable()
  const { user, system } = process.cpuUsage(cpuBefore)
  if (figures.failed > 0) throw new Error(`${figures.failed} requests failed`)
  const toLateMs = (nanoseconds: number): number => nanoseconds / 1e6 - 1
  return {
    ...figures,
    perSecond: figures.answered / seconds,
    cpuMsEach: (user + system) / 1000 / figures.answered,
    loopP99Ms: toLateMs(delay.percentile(99)),
    loopMaxMs: toLateMs(delay.max),
  }
}

function report(title: string, figures: Figures): void {
  const { perSecond, cpuMsEach, p50Ms, p99Ms, loopP99Ms, loopMaxMs } = figures
  process.stdout.write(
    `${title}: ${perSecond.toFixed(0)}/s, ${cpuMsEach.toFixed(2)} CPU ms each (${(1000 / cpuMsEach).toFixed(0)}/s and core), ` +
      `p50 ${p50Ms.toFixed(1)} ms, p99 ${p99Ms.toFixed(1)} ms, event loop late p99 ${loopP99Ms.toFixed(1)} ms, most ${loopMaxMs.toFixed(1)} ms\n`,
  )
}
