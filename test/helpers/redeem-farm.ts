import { randomUUID } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  createDevelopmentCertificates,
  type DevelopmentCertificates,
  type KeyPair,
} from '../../src/certs/index.ts'
import { type RunningBroker, startBroker } from '../../src/cli/broker.ts'
import type { BrokerConfig } from '../../src/config/index.ts'
import {
  createLog,
  type Endpoint,
  type LogFields,
  type Secret,
  systemClock,
} from '../../src/lib/index.ts'
import { type ConsoleSession, openSqliteStore } from '../../src/store/index.ts'
import { createIssuer, type GatewayClaims } from '../../src/tokens/index.ts'

/** A broker with its store and control channel in this process, and what nodes need to dial it. */
export interface RedeemFarm {
  control: Endpoint
  /** PEM of the control CA. */
  controlCa: string
  nodeTls(name: string): KeyPair
  /** What a node shows to clients, and the PEM of the authority behind it. */
  gatewayTls(name: string): KeyPair
  ca: string
  /** A token as the broker would mint it. */
  mint(change?: Partial<GatewayClaims>): Promise<Secret>
  /** Sessions that the broker takes for open. */
  sessions(): Promise<ConsoleSession[]>
  /** What the broker has logged as its own faults. */
  readonly errors: readonly LogFields[]
  close(): Promise<void>
}

const FARM = 'demo'

export async function startRedeemFarm(nodes: string[]): Promise<RedeemFarm> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-redeem-'))
  const certificates = await createDevelopmentCertificates({
    farmName: FARM,
    names: ['localhost', '127.0.0.1'],
    gateways: nodes,
    now: new Date(),
  })
  const config = brokerConfig(directory, certificates)
  const errors: LogFields[] = []
  const stream = { write: (line: string) => void errors.push(JSON.parse(line)) }
  const log = createLog({ level: 'error', stream })
  const broker = await startBroker({ config, clock: systemClock, log })
  const issuer = await createIssuer(certificates.issuer)
  return {
    control: controlOf(broker),
    controlCa: certificates.controlAuthority.certificatePem,
    nodeTls: (name) => pairOf(name, certificates.gatewayControl),
    gatewayTls: (name) => pairOf(name, certificates.gatewayTls),
    ca: certificates.authority.certificatePem,
    mint(change = {}) {
      const now = Math.floor(Date.now() / 1000)
      return issuer.sign({
        iss: 'broker',
        aud: FARM,
        jti: randomUUID(),
        iat: now,
        nbf: now,
        exp: now + 300,
        tid: 'acme',
        sub: 'user1',
        vm: 'web',
        knd: 'rdp',
        dst: '192.0.2.10:3389',
        ...change,
      })
    },
    async sessions() {
      const store = await openSqliteStore(config.store)
      try {
        return await store.leases.list()
      } finally {
        await store.close()
      }
    },
    errors,
    async close() {
      await broker.close()
      rmSync(directory, { recursive: true })
    },
  }
}

function brokerConfig(directory: string, certificates: DevelopmentCertificates): BrokerConfig {
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const pair = (name: string, { certificatePem, privateKeyPem }: KeyPair) => ({
    certificateFile: write(`${name}.crt`, certificatePem),
    privateKeyFile: write(`${name}.key`, privateKeyPem),
  })
  const loopback = { host: '127.0.0.1', port: 0 }
  return {
    name: 'broker',
    farm: { name: FARM, address: 'localhost:9443' },
    listen: loopback,
    tls: pair('tls', certificates.portalTls),
    issuer: pair('issuer', certificates.issuer),
    control: {
      listen: loopback,
      tls: pair('control', certificates.brokerControl),
      caFile: write('control-ca.crt', certificates.controlAuthority.certificatePem),
    },
    store: { file: join(directory, 'store.sqlite') },
    tokens: { lifetimeSeconds: 60, minLifetimeSeconds: 5, maxLifetimeSeconds: 300 },
    minting: { userPerMinute: 30, tenantPerMinute: 300, openPerUser: 20 },
    clientBinding: 'address',
    leewaySeconds: 5,
    probes: { everySeconds: 0 },
    audit: { keepDays: 365 },
    redeem: { reopenSeconds: 120, maxOpenTunnels: 2, maxOpens: 10 },
    portal: false,
    logLevel: 'error',
    development: true,
  }
}

function pairOf(name: string, pairs: Record<string, KeyPair>): KeyPair {
  const pair = pairs[name]
  if (pair === undefined) throw new TypeError(`no certificate for ${name}`)
  return pair
}

function controlOf({ controlAddress }: RunningBroker): Endpoint {
  if (controlAddress === undefined) throw new TypeError('the broker has no control channel')
  return controlAddress
}
