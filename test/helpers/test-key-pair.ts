import { createAuthority, issueCertificate, type KeyPair } from '../../src/certs/index.ts'

/** A TLS certificate for loopback that nobody trusts, valid today. */
export async function createTestKeyPair(): Promise<KeyPair> {
  const notBefore = new Date(Date.now() - 60_000)
  const common = { organization: 'Portcullis tests', notBefore, days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Test authority' })
  return issueCertificate({
    ...common,
    authority,
    role: 'tls',
    commonName: 'localhost',
    names: ['localhost', '127.0.0.1'],
    days: 1,
  })
}
