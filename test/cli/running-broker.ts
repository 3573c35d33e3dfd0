import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createApiKey, seedStore } from '../../src/broker/index.ts'
import { createDevelopmentCertificates, type KeyPair } from '../../src/certs/index.ts'
import { type RunningBroker, startBroker } from '../../src/cli/broker.ts'
import type { BrokerConfig } from '../../src/config/index.ts'
import { type Secret, silentLog, systemClock } from '../../src/lib/index.ts'
import { openSqliteStore } from '../../src/store/index.ts'

export interface BrokerFiles {
  directory: string
  config: BrokerConfig
  caFile: string
  keyFile: string
  /** PEM of the control CA, and each node's control certificate. */
  controlCa: string
  nodeTls: Record<string, KeyPair>
  key: Secret
  remove(): void
}

/**
 * Development certificates, a seeded store with machine `web`, a key file: all a broker needs.
 *
 * @param nodes that may dial its control channel, which there is only for them
 */
export async function createBrokerFiles(nodes: string[] = []): Promise<BrokerFiles> {
  const directory = mkdtempSync(join(tmpdir(), 'portcullis-broker-'))
  const write = (name: string, text: string): string => {
    const path = join(directory, name)
    writeFileSync(path, text, { mode: 0o600 })
    return path
  }
  const certificates = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost', '127.0.0.1'],
    gateways: nodes,
    now: new Date(),
  })
  const pairFiles = (name: string, pair: { certificatePem: string; privateKeyPem: string }) => ({
    certificateFile: write(`${name}.crt`, pair.certificatePem),
    privateKeyFile: write(`${name}.key`, pair.privateKeyPem),
  })
  const key = createApiKey('test')
  const store = { file: join(directory, 'store.sqlite') }
  await seed(store.file, key)
  return {
    directory,
    key,
    controlCa: certificates.controlAuthority.certificatePem,
    nodeTls: certificates.gatewayControl,
    caFile: write('ca.crt', certificates.authority.certificatePem),
    keyFile: write('api.key', `${key.reveal()}\n`),
    config: {
      name: 'broker',
      farm: { name: 'demo', address: 'localhost:9443' },
      listen: { host: '127.0.0.1', port: 0 },
      tls: pairFiles('tls', certificates.portalTls),
      issuer: pairFiles('issuer', certificates.issuer),
      ...(nodes.length === 0
        ? {}
        : {
            control: {
              listen: { host: '127.0.0.1', port: 0 },
              tls: pairFiles('control', certificates.brokerControl),
              caFile: write('control-ca.crt', certificates.controlAuthority.certificatePem),
            },
          }),
      store,
      tokens: { lifetimeSeconds: 60, minLifetimeSeconds: 5, maxLifetimeSeconds: 300 },
      minting: { userPerMinute: 30, tenantPerMinute: 300, openPerUser: 20 },
      clientBinding: 'address',
      leewaySeconds: 5,
      probes: { everySeconds: 60 },
      audit: { keepDays: 365 },
      redeem: { reopenSeconds: 120, maxOpenTunnels: 2, maxOpens: 10 },
      portal: true,
      logLevel: 'error',
      development: true,
    },
    remove: () => rmSync(directory, { recursive: true }),
  }
}

/** Options of a command that asks this broker's API. */
export function apiAccess(files: BrokerFiles, { address }: RunningBroker): string[] {
  return [
    ...['--api', `https://127.0.0.1:${address.port}`],
    ...['--key-file', files.keyFile],
    ...['--ca', files.caFile],
  ]
}

export function start(config: BrokerConfig): Promise<RunningBroker> {
  return startBroker({ config, clock: systemClock, log: silentLog })
}

async function seed(file: string, key: Secret): Promise<void> {
  const store = await openSqliteStore({ file })
  const host = { id: 'hv1', kind: 'rdp', address: '192.0.2.10', port: 3389 } as const
  await seedStore(
    store,
    {
      tenants: [{ id: 'acme', name: 'Acme' }],
      hosts: [{ ...host, identify: 'ipv4', consoleAllow: true }],
      vms: [{ id: 'web', name: 'Web 1', tenant: 'acme', host: 'hv1' }],
      apiKeys: [{ label: 'test', key }],
    },
    systemClock,
  )
  await store.close()
}
