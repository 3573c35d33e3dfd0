import {
  createAuthority,
  createDevelopmentCertificates,
  DEVELOPMENT_ORGANIZATION,
  type DevelopmentCertificates,
  issueCertificate,
  type KeyPair,
} from '../certs/index.ts'

export const FARM_NAME = 'lab'
/** Name of the one host agent, and id of its host. */
export const AGENT_HOST = 'lab-agent'
/** Two that are always there, and two for scenarios that want a node of their own. */
export const NODE_NAMES = ['gw1', 'gw2', 'gw3', 'gw4']

const ISSUER_DAYS = 60

export function createLabCertificates(nowMs: number): Promise<DevelopmentCertificates> {
  return createDevelopmentCertificates({
    farmName: FARM_NAME,
    names: ['localhost', '127.0.0.1'],
    gateways: NODE_NAMES,
    agents: [AGENT_HOST],
    now: new Date(nowMs),
    days: ISSUER_DAYS,
  })
}

/** An issuer of its own authority, unknown to everybody until a scenario makes it known. */
export async function createOtherIssuer(commonName: string, nowMs: number): Promise<KeyPair> {
  const common = {
    organization: DEVELOPMENT_ORGANIZATION,
    notBefore: new Date(nowMs - 60_000),
    days: ISSUER_DAYS,
  }
  const authority = await createAuthority({ ...common, commonName: `${commonName} authority` })
  return issueCertificate({ ...common, authority, role: 'issuer', commonName })
}
