import { type KeyPair, readCertificate } from '../../src/certs/index.ts'
import { type Reason, Refusal } from '../../src/lib/index.ts'
import { createTrustList, type TrustList } from '../../src/tokens/index.ts'
import { NOW } from './minting.ts'

/** Trust at `NOW` in these issuers, each for its purpose only. */
export function trustIn(issuers: {
  gateway?: KeyPair[]
  host?: KeyPair[]
  lab?: KeyPair[]
}): TrustList {
  const { gateway = [], host = [], lab = [] } = issuers
  const entries = [
    ...gateway.map(({ certificatePem }) => ({ certificatePem, purpose: 'gateway' as const })),
    ...host.map(({ certificatePem }) => ({ certificatePem, purpose: 'host' as const })),
    ...lab.map(({ certificatePem }) => ({ certificatePem, purpose: 'lab' as const })),
  ].map(({ certificatePem, purpose }) => ({
    certificate: readCertificate(certificatePem),
    purpose,
  }))
  return createTrustList(entries, NOW * 1000)
}

/** Why a token was refused; an acceptance or another error fails the test. */
export async function refusalOf(verdict: Promise<unknown>): Promise<Reason> {
  try {
    await verdict
  } catch (error) {
    if (error instanceof Refusal) return error.reason
    throw error
  }
  throw new Error('accepted')
}
