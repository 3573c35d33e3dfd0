import { DEVELOPMENT_ORGANIZATION } from './certificate.ts'
import { createAuthority, issueCertificate } from './issue.ts'
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
}

/** A complete set for one farm on one machine, all marked as development. */
export async function createDevelopmentCertificates(
  options: DevelopmentOptions,
): Promise<DevelopmentCertificates> {
  const { farmName, names, gateways, now, days = 60 } = options
  const common = {
    organization: DEVELOPMENT_ORGANIZATION,
    notBefore: new Date(now.getTime() - BACKDATE_MS),
    days,
  }
  const authority = await createAuthority({ ...common, commonName: `${farmName} authority` })
  const issueTls = (commonName: string, tlsNames: string[]): Promise<KeyPair> =>
    issueCertificate({ ...common, authority, role: 'tls', commonName, names: tlsNames })
  return {
    authority,
    issuer: await issueCertificate({
      ...common,
      authority,
      role: 'issuer',
      commonName: `${farmName} token issuer`,
    }),
    portalTls: await issueTls(`${farmName} portal`, names),
    gatewayTls: Object.fromEntries(
      await Promise.all(
        gateways.map(async (node) => [
          node,
          await issueTls(`${farmName} ${node}`, [...new Set([...names, node])]),
        ]),
      ),
    ),
  }
}
