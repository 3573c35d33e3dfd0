import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { readCertificate } from '../../../src/certs/index.ts'
import { Refusal, Secret } from '../../../src/lib/index.ts'
import {
  createTrustList,
  inspectToken,
  verifyAnyGatewayToken,
  verifyHostToken,
} from '../../../src/tokens/index.ts'
import { loadCorpus } from '../corpus.ts'
import type { FuzzTarget } from '../target.ts'

/** When the tokens of the corpus were valid. Their issuers' keys are kept nowhere. */
const NOW_MS = Date.UTC(2026, 10, 21, 12, 0, 30)
const VM = '5f0fd5ae-5e1b-4c9e-9a4e-0f35f6b7a1c2'
const trust = createTrustList(
  (['issuer-ec.crt', 'issuer-rsa.crt'] as const).flatMap((file) => {
    const certificate = readCertificate(readFileSync(join(import.meta.dirname, '..', file), 'utf8'))
    return [
      { certificate, purpose: 'gateway' as const },
      { certificate, purpose: 'host' as const },
    ]
  }),
  NOW_MS,
)
const circumstances = { trust, nowMs: NOW_MS, leewaySeconds: 5 }
const WORDS = ['.', '=', '%2B', '&Signature=', '|', 'Host=', 'Port=', 'ExpiresOn=', 'eyJ', 'AA']

/** INVARIANT: no mutation of a token is as good as the token. */
function onlyIssued<Verified>(
  name: string,
  verify: (token: Secret) => Promise<Verified>,
): (bytes: Buffer) => Promise<Verified> {
  const issued = new Set(loadCorpus(name).map(({ bytes }) => bytes.toString('latin1')))
  return async (bytes) => {
    const text = bytes.toString('latin1')
    const verified = await verify(new Secret(text))
    if (!issued.has(text)) throw new Error('accepts what nobody has issued')
    return verified
  }
}

export const TOKEN_TARGETS: readonly FuzzTarget[] = [
  {
    kind: 'decoder',
    name: 'gateway-token',
    covers: [
      'tokens/compact-jws.ts:decodeCompactJws',
      'tokens/compact-jws.ts:decodeJson',
      'tokens/claims.ts:parseClaims',
      'tokens/fedauth-token.ts:decodeFedAuthToken',
      'tokens/fedauth-token.ts:parseFedAuthClaims',
    ],
    mayThrow: [Refusal],
    dictionary: WORDS,
    decode: onlyIssued('gateway-token', (token) =>
      verifyAnyGatewayToken(token, {
        ...circumstances,
        audience: 'demo',
        clientAddress: '192.0.2.7',
      }),
    ),
  },
  {
    kind: 'decoder',
    name: 'host-token',
    covers: [],
    mayThrow: [Refusal],
    dictionary: WORDS,
    decode: onlyIssued('host-token', (token) =>
      verifyHostToken(token, { ...circumstances, audience: 'hv1', vmGuid: VM }),
    ),
  },
  {
    kind: 'decoder',
    name: 'inspected-token',
    covers: ['tokens/inspect.ts:inspectToken'],
    mayThrow: [],
    dictionary: WORDS,
    decode: (bytes) => inspectToken(bytes.toString('latin1')),
  },
]
