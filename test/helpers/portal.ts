import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import { createBroker, seedStore } from '../../src/broker/index.ts'
import { createDevelopmentCertificates, type KeyPair } from '../../src/certs/index.ts'
import { createLog, Secret, systemClock } from '../../src/lib/index.ts'
import { createPortal } from '../../src/portal/index.ts'
import { type Host, openSqliteStore } from '../../src/store/index.ts'
import { createIssuer } from '../../src/tokens/index.ts'

export const PASSWORD = 'correct horse battery staple'

/** What the farm says of itself in every file. */
export const GATEWAY_ADDRESS = 'gateway.example:9443'

export interface PortalRun {
  /** Its origin. */
  url: string
  /** Of the portal and of anything else that the browser should trust. */
  tls: KeyPair
  /** The log so far, line by line. */
  log: Array<Record<string, unknown>>
  stop(): Promise<void>
}

/**
 * Broker, store in memory and portal behind HTTPS. Tenants `acme` (user `alice`; machine `web-01`,
 * and `db-01` on a host that is not opted in), `globex` (user `bob`; machine `secret-01`) and
 * `empty` (user `carol`; none); `olga` is an operator of the provider. All have {@link PASSWORD}.
 */
export async function startPortal(): Promise<PortalRun> {
  const { issuer, portalTls } = await createDevelopmentCertificates({
    farmName: 'test',
    names: ['localhost', '127.0.0.1'],
    gateways: [],
    now: new Date(),
  })
  const store = await openSqliteStore({ file: ':memory:' })
  await seedStore(store, seed(), systemClock)

  const lines: Array<Record<string, unknown>> = []
  const log = createLog({ stream: { write: (line) => lines.push(JSON.parse(line)) } })
  const broker = await createBroker({
    store,
    issuer: await createIssuer(issuer),
    name: 'broker',
    farm: { name: 'test', address: GATEWAY_ADDRESS },
    clock: systemClock,
    log,
    development: true,
  })
  broker.app.use(createPortal({ services: broker.services, clock: systemClock, log }))
  const server = await listen(portalTls, broker.app.callback())
  return {
    url: urlOf(server),
    tls: portalTls,
    log: lines,
    async stop() {
      await close(server)
      await broker.close()
      await store.close()
    },
  }
}

/** An HTTPS server on a free port of 127.0.0.1. */
export async function listen(
  { certificatePem, privateKeyPem }: KeyPair,
  handler: Parameters<typeof createServer>[1],
): Promise<Server> {
  const server = createServer({ cert: certificatePem, key: privateKeyPem }, handler)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

export function urlOf(server: Server): string {
  // A TCP server's address is an object.
  const { port } = server.address() as AddressInfo
  return `https://localhost:${port}`
}

/** Browsers keep connections open: they are ended. */
export async function close(server: Server): Promise<void> {
  const closed = new Promise((resolve) => server.close(resolve))
  server.closeAllConnections()
  await closed
}

function seed(): Parameters<typeof seedStore>[1] {
  const host: Omit<Host, 'id' | 'consoleAllow'> = {
    kind: 'rdp',
    address: '192.0.2.10',
    port: 3389,
    identify: 'ipv4',
  }
  const password = new Secret(PASSWORD)
  return {
    tenants: [
      { id: 'acme', name: 'Acme & Sons' },
      { id: 'globex', name: 'Globex' },
      { id: 'empty', name: 'Empty' },
    ],
    hosts: [
      { ...host, id: 'host-1', consoleAllow: true },
      { ...host, id: 'host-2', consoleAllow: false },
    ],
    vms: [
      { id: 'vm-web', name: 'web-01', tenant: 'acme', host: 'host-1', port: 3401 },
      { id: 'vm-db', name: 'db-01', tenant: 'acme', host: 'host-2' },
      { id: 'vm-secret', name: 'secret-01', tenant: 'globex', host: 'host-1' },
    ],
    users: [
      { id: 'alice', tenant: 'acme', password },
      { id: 'bob', tenant: 'globex', password },
      { id: 'carol', tenant: 'empty', password },
      { id: 'mallory', tenant: 'globex', password },
      { id: 'olga', roles: ['operator'], password },
    ],
  }
}
