import { randomUUID } from 'node:crypto'
import { createDevelopmentCertificates, readCertificate } from '../../../src/certs/index.ts'
import { createGateway, type Gateway, type GatewayOptions } from '../../../src/gateway/index.ts'
import { createLog, type LogFields, type Secret, systemClock } from '../../../src/lib/index.ts'
import {
  createIssuer,
  createMemoryLedger,
  createTrustList,
  type GatewayClaims,
  type PemTrustEntry,
} from '../../../src/tokens/index.ts'

export interface TestNode {
  gateway: Gateway
  port: number
  /** PEM of the authority behind the node's TLS certificate. */
  ca: string
  /** The issuer of its tokens, as it travels in a trust set. */
  trustedIssuer: PemTrustEntry
  /** Every line logged so far. */
  log: LogFields[]
  logged(event: string): LogFields[]
  /** A token for `127.0.0.1:port`, valid now; `change` alters its claims. */
  mint(port: number, change?: Partial<GatewayClaims>): Promise<Secret>
}

const FARM = 'testfarm'

/** A node on loopback that may dial every loopback port. */
export async function startNode(options: Partial<GatewayOptions> = {}): Promise<TestNode> {
  const { authority, issuer, gatewayTls } = await createDevelopmentCertificates({
    farmName: FARM,
    names: ['localhost', '127.0.0.1'],
    gateways: ['gw1'],
    now: new Date(),
  })
  const signer = await createIssuer(issuer)
  const tls = gatewayTls.gw1
  if (tls === undefined) throw new TypeError('no certificate for gw1')
  const log: LogFields[] = []
  const ports = Array.from({ length: 65_535 }, (_, index) => index + 1)
  const gateway = createGateway({
    node: 'gw1',
    farmName: FARM,
    listeners: [{ address: { host: '127.0.0.1', port: 0 } }],
    tls,
    trust: createTrustList(
      [{ certificate: readCertificate(issuer.certificatePem), purpose: 'gateway' }],
      Date.now(),
    ),
    ledger: createMemoryLedger({ clock: systemClock, clientBinding: 'address' }),
    targets: { allow: [{ cidr: '127.0.0.0/8', ports }] },
    clientBinding: 'address',
    leewaySeconds: 5,
    clock: systemClock,
    log: createLog({
      level: 'debug',
      stream: { write: (line: string) => void log.push(JSON.parse(line)) },
    }),
    ...options,
  })
  const [listening] = await gateway.listen()
  return {
    gateway,
    port: Number(listening?.address.split(':').at(-1)),
    ca: authority.certificatePem,
    trustedIssuer: {
      certificatePem: signer.certificate.pem,
      sha256Thumbprint: signer.certificate.sha256Thumbprint,
      purpose: 'gateway',
    },
    log,
    logged: (event) => log.filter((line) => line.event === event),
    mint: (port, change = {}) => {
      const now = Math.floor(Date.now() / 1000)
      return signer.sign({
        iss: 'broker1',
        aud: FARM,
        jti: randomUUID(),
        iat: now,
        nbf: now,
        exp: now + 60,
        tid: 'tenant1',
        sub: 'user1',
        vm: 'vm1',
        knd: 'rdp',
        dst: `127.0.0.1:${port}`,
        ...change,
      })
    },
  }
}
