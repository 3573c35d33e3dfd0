import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'

/** The issuer of a laboratory's tokens, as a tester makes it; good from a while ago until tomorrow. */
export async function createLabIssuer(key: 'ec-p256' | 'ec-p384' = 'ec-p256'): Promise<KeyPair> {
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 7_200_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Lab' } as const
  return issueCertificate({ ...leaf, key })
}
