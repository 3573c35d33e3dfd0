import { DEVELOPMENT_ORGANIZATION } from './certificate.ts'
import type { ControlIdentity } from './control-identity.ts'
import { CONTROL_DAYS, createAuthority, issueCertificate } from './issue.ts'
import type { KeyPair } from './key-pair.ts'

/** Certificates are valid a little before they are made, so that a clock slightly behind accepts them. */
const BACKDATE_MS = 5 * 60 * 1000

export interface DevelopmentOptions {
  /** `farm.name`; part of every subject. */
  farmName: string
  /** Names and addresses under which portal and gateways are dialled: `localhost`, `127.0.0.1`, `::1`. */
  names: string[]
  /** Node names; each gateway's TLS certificate carries its own next to `names`. */
  gateways: string[]
  /** Host agents' names; default none. */
  agents?: string[]
  /** `name` of the broker; default `broker`. */
  brokerName?: string
  now: Date
  /** Default 60. */
  days?: number
}

export interface DevelopmentCertificates {
  authority: KeyPair
  /** Signs tokens. */
  issuer: KeyPair
  portalTls: KeyPair
  /** By node name. */
  gatewayTls: Record<string, KeyPair>
  /** Signs `.rdp` files; RSA 2048, since clients verify nothing else there. */
  publisher: KeyPair
  /** Signs control certificates and nothing else. */
  controlAuthority: KeyPair
  /** The broker's end of the control channel. */
  brokerControl: KeyPair
  /** The gateways' ends, by node name. */
  gatewayControl: Record<string, KeyPair>
  /** The agents' ends, which nodes are shown as well, by agent name. */
  agentControl: Record<string, KeyPair>
}

/** A complete set for one farm on one machine, all marked as development. */
export async function createDevelopmentCertificates(
  options: DevelopmentOptions,
): Promise<DevelopmentCertificates> {
  const { farmName, names, gateways, agents = [], brokerName = 'broker', now, days = 60 } = options
  const common = {
    organization: DEVELOPMENT_ORGANIZATION,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    days,
  }
  const authority = await createAuthority({ ...common, commonName: `${farmName} authority` })
  const controlAuthority = await createAuthority({
    ...common,
    commonName: `${farmName} control authority`,
  })
  const issueTls = (commonName: string, tlsNames: string[]): Promise<KeyPair> =>
    issueCertificate({ ...common, authority, role: 'tls', commonName, names: tlsNames })
  const issueControl = (identity: ControlIdentity): Promise<KeyPair> =>
    issueCertificate({
      ...common,
      authority: controlAuthority,
      role: 'control',
      identity,
      commonName: `${farmName} control ${identity.name}`,
      names: [...new Set([...names, identity.name])],
      days: Math.min(days, CONTROL_DAYS),
    })
  return {
    authority,
    issuer: await issueCertificate({
      ...common,
      authority,
      role: 'issuer',
      commonName: `${farmName} token issuer`,
    }),
    publisher: await issueCertificate({
      ...common,
      authority,
      role: 'publisher',
      key: 'rsa-2048',
      commonName: `${farmName} publisher`,
    }),
    portalTls: await issueTls(`${farmName} portal`, names),
    gatewayTls: await byName(gateways, (node) =>
      issueTls(`${farmName} ${node}`, [...new Set([...names, node])]),
    ),
    controlAuthority,
    brokerControl: await issueControl({ role: 'broker', name: brokerName }),
    gatewayControl: await byName(gateways, (name) => issueControl({ role: 'node', name })),
    agentControl: await byName(agents, (name) => issueControl({ role: 'agent', name })),
  }
}

async function byName(
  names: string[],
  make: (name: string) => Promise<KeyPair>,
): Promise<Record<string, KeyPair>> {
  return Object.fromEntries(
    await Promise.all(
      names.map(async (name): Promise<[string, KeyPair]> => [name, await make(name)]),
    ),
  )
}
