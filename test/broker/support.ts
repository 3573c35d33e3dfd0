import type { IncomingMessage, ServerResponse } from 'node:http'
import supertest from 'supertest'
import type { HostResolver } from '../../src/broker/host-names.ts'
import {
  type Broker,
  type BrokerOptions,
  createApiKey,
  createBroker,
  type LoadIssuer,
  seedStore,
} from '../../src/broker/index.ts'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import { createLog, type Log, Secret } from '../../src/lib/index.ts'
import type { Publisher } from '../../src/rdpfile/index.ts'
import { openSqliteStore, type Role, type Store } from '../../src/store/index.ts'
import { createIssuer, type Issuer } from '../../src/tokens/index.ts'

export const NOW_MS = Date.UTC(2030, 0, 1, 12)
export const FARM = { name: 'Demo', address: 'gw.example.net:443' }
/** Hashing at full cost would be most of the test's time. */
export const CHEAP = { logN: 4, r: 8, p: 1 }

export interface TestBroker {
  /** The running one; after `restart` another. */
  readonly broker: Broker
  store: Store
  issuer: Issuer
  key: Secret
  /** Steerable; starts at NOW_MS. */
  clock: { now(): number; advance(ms: number): void }
  /** Parsed log lines so far. */
  events(name?: string): Array<Record<string, unknown>>
  /** A key with these roles only; `portal` is for these tenants. */
  addKey(roles: Role[], tenants?: string[]): Promise<Secret>
  /** The API without a key. */
  anonymous: ReturnType<typeof supertest>
  get(path: string): supertest.Test
  put(path: string, body?: unknown): supertest.Test
  post(path: string, body?: unknown): supertest.Test
  delete(path: string): supertest.Test
  /** A new broker over the same store, as after a crash. */
  restart(changes?: Partial<BrokerOptions>): Promise<void>
  close(): Promise<void>
}

export const WEB_GUID = '3f2504e0-4f89-11d3-9a0c-0305e82c3301'

/** Gives the machines of host `hv1` GUIDs, without which it can't be of a kind that finds them by it. */
export async function giveGuids({ put }: TestBroker, guid = WEB_GUID): Promise<void> {
  await put('/v1/vms/web', { name: 'Web 1', tenant: 'acme', host: 'hv1', guid }).expect(200)
  const other = '7c9e6679-7425-40de-944b-e07fc1f90ae7'
  const mail = { name: 'Mail', tenant: 'globex', host: 'hv1', guid: other }
  await put('/v1/vms/mail', mail).expect(200)
}

const NO_DNS: HostResolver = { addresses: async () => [], names: async () => [] }

export interface TestBrokerOptions {
  issuerKey?: IssuerKey
  /** Absent: files stay unsigned. */
  publisher?: Publisher
  /** Absent: nothing is found. */
  resolver?: HostResolver
  /** Where a rotation finds the next issuer; absent: nowhere. */
  loadIssuer?: LoadIssuer
}

/**
 * A broker over an empty store in memory, under a clock that stands still, with tenants `acme` and
 * `globex`, host `hv1` (opted in), VM `web` of acme and `mail` of globex, and user `ann` of acme.
 */
export async function createTestBroker({
  issuerKey = 'ec-p256',
  publisher,
  loadIssuer,
  resolver = NO_DNS,
}: TestBrokerOptions = {}): Promise<TestBroker> {
  const clock = steerableClock()
  const issuer = await testIssuer(issuerKey)
  const { log, lines } = recordingLog()
  const store = await openSqliteStore({ file: ':memory:' })
  const key = createApiKey('test')
  await seedStore(
    store,
    {
      tenants: [
        { id: 'acme', name: 'Acme' },
        { id: 'globex', name: 'Globex' },
      ],
      hosts: [
        {
          id: 'hv1',
          kind: 'rdp',
          address: '192.0.2.10',
          port: 3389,
          identify: 'ipv4',
          consoleAllow: true,
        },
      ],
      vms: [
        { id: 'web', name: 'Web 1', tenant: 'acme', host: 'hv1' },
        { id: 'mail', name: 'Mail', tenant: 'globex', host: 'hv1' },
      ],
      users: [
        { id: 'ann', tenant: 'acme', password: new Secret('correct horse') },
        { id: 'operator', password: new Secret('battery staple') },
      ],
      apiKeys: [{ label: 'test', key }],
    },
    clock,
    CHEAP,
  )
  const options: BrokerOptions = {
    store,
    issuer,
    ...(publisher === undefined ? {} : { publisher }),
    name: 'broker.example.net',
    farm: FARM,
    clock,
    log,
    passwordCost: CHEAP,
    resolver,
    ...(loadIssuer === undefined ? {} : { loadIssuer }),
  }
  let broker = await createBroker(options)
  let handler = broker.app.callback()
  const anonymous = supertest((request: IncomingMessage, response: ServerResponse) =>
    handler(request, response),
  )
  const authorized = (test: supertest.Test) => test.set('Authorization', `Bearer ${key.reveal()}`)
  return {
    get broker() {
      return broker
    },
    store,
    issuer,
    key,
    clock,
    async addKey(roles, tenants = []) {
      const added = createApiKey(`key${(await store.keys.list()).length}`)
      await seedStore(store, { apiKeys: [{ label: '', key: added, roles, tenants }] }, clock)
      return added
    },
    anonymous,
    events: (name) => lines.filter(({ event }) => name === undefined || event === name),
    get: (path) => authorized(anonymous.get(path)),
    put: (path, body) => authorized(anonymous.put(path)).send(body as object),
    post: (path, body) => authorized(anonymous.post(path)).send(body as object),
    delete: (path) => authorized(anonymous.delete(path)),
    async restart(changes = {}) {
      await broker.close()
      broker = await createBroker({ ...options, ...changes })
      handler = broker.app.callback()
    },
    async close() {
      await broker.close()
      await store.close()
    },
  }
}

function steerableClock() {
  let nowMs = NOW_MS
  return {
    now: () => nowMs,
    advance(ms: number) {
      nowMs += ms
    },
  }
}

function recordingLog(): { log: Log; lines: Array<Record<string, unknown>> } {
  const lines: Array<Record<string, unknown>> = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  return { log: createLog({ level: 'debug', stream }), lines }
}

type IssuerKey = 'ec-p256' | 'rsa-2048'
const shared = new Map<IssuerKey, Promise<Issuer>>()

/** Made once per test file: keys take time. */
function testIssuer(key: IssuerKey): Promise<Issuer> {
  const issuer = shared.get(key) ?? makeIssuer('Test issuer', key)
  shared.set(key, issuer)
  return issuer
}

export async function makeIssuer(commonName: string, key: IssuerKey = 'ec-p256'): Promise<Issuer> {
  const common = { organization: 'Test', notBefore: new Date(NOW_MS - 60_000), days: 30 }
  const authority = await createAuthority({ ...common, commonName: 'Test CA' })
  const leaf = { ...common, authority, role: 'issuer', commonName } as const
  return createIssuer(await issueCertificate({ ...leaf, key }))
}
