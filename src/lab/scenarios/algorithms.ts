import { nowSeconds } from '../../lib/index.ts'
import type { Bench } from '../bench.ts'
import { createOtherIssuer } from '../certificates.ts'
import { denied, type Expectation } from '../expectation.ts'
import {
  joinToken,
  privateKeyOf,
  signAnything,
  signInDer,
  signWithPublicKey,
  splitToken,
  type TokenParts,
} from '../forge.ts'
import type { Scenario } from '../scenario.ts'
import { withToken } from '../ticket.ts'

type Trick = [what: string, make: (token: TokenParts) => string]

/** The known tricks on signed tokens, RFC 8725 section 2 among others. */
export const algorithms: Scenario[] = [
  {
    name: 'algorithms.none',
    title: 'A token without a signature opens nothing',
    async run(bench) {
      const none = (token: TokenParts): object => ({ ...token.header, alg: 'none' })
      await tryEach(bench, denied('token-malformed'), [
        ['none, nothing behind', (token) => joinToken(none(token), token.claims, Buffer.alloc(0))],
      ])
      await tryEach(bench, denied('algorithm-refused'), [
        [
          'none, a signature behind',
          (token) => joinToken(none(token), token.claims, token.signature),
        ],
      ])
    },
  },
  {
    name: 'algorithms.confusion',
    title: 'The issuer decides about the algorithm, not the token',
    run: (bench) => {
      const { issuerPair } = bench.farm
      const named = (alg: string): Trick[1] => {
        return ({ header, claims }) =>
          signAnything(privateKeyOf(issuerPair), { ...header, alg }, claims)
      }
      return tryEach(bench, denied('algorithm-refused'), [
        [
          "HS256 with the issuer's public key",
          ({ header, claims }) =>
            signWithPublicKey(issuerPair, { ...header, alg: 'HS256' }, claims),
        ],
        ['RS256 named for an EC key', named('RS256')],
        ['PS256 named for an EC key', named('PS256')],
        ['ES384 named for a P-256 key', named('ES384')],
        ['the name in small letters', named('es256')],
      ])
    },
  },
  {
    name: 'algorithms.signature',
    title: 'A signature of another key or in another form does not count',
    async run(bench) {
      const { issuerPair, clock } = bench.farm
      const stranger = await createOtherIssuer('lab impostor', clock.now())
      await tryEach(bench, denied('signature-invalid'), [
        [
          "a stranger's key under the issuer's name",
          ({ header, claims }) => signAnything(privateKeyOf(stranger), header, claims),
        ],
        [
          'DER in place of R and S',
          ({ header, claims }) => signInDer(privateKeyOf(issuerPair), header, claims),
        ],
      ])
    },
  },
  {
    name: 'algorithms.header',
    title: 'A token cannot bring its own key, nor ask for more than we know',
    run: (bench) => {
      const { issuerPair } = bench.farm
      const withMore = (more: object): Trick[1] => {
        return ({ header, claims }) =>
          signAnything(privateKeyOf(issuerPair), { ...header, ...more }, claims)
      }
      return tryEach(bench, denied('token-malformed'), [
        ['jwk', withMore({ jwk: { kty: 'EC', crv: 'P-256' } })],
        ['jku', withMore({ jku: 'https://stranger.example/keys' })],
        ['x5u', withMore({ x5u: 'https://stranger.example/chain' })],
        ['x5c', withMore({ x5c: ['AAAA'] })],
        ['crit', withMore({ crit: ['exp'] })],
        ['b64', withMore({ b64: false })],
        ['a token for hosts', withMore({ typ: 'cht+jwt' })],
        ['any JWT', withMore({ typ: 'JWT' })],
      ])
    },
  },
  {
    name: 'algorithms.claims',
    title: 'What the issuer itself signs has to be whole, known and short-lived',
    run: (bench) => {
      const { issuerPair } = bench.farm
      const withMore = (more: object): Trick[1] => {
        return ({ header, claims }) =>
          signAnything(privateKeyOf(issuerPair), header, { ...claims, ...more })
      }
      return tryEach(bench, denied('token-malformed'), [
        ['no exp', withMore({ exp: undefined })],
        ['no nbf', withMore({ nbf: undefined })],
        ['no jti', withMore({ jti: undefined })],
        ['a list of audiences', withMore({ aud: [bench.farm.farmName, 'other'] })],
        ['a claim that nobody knows', withMore({ admin: true })],
        ['a life of more than an hour', withMore({ exp: nowSeconds(bench.farm.clock) + 3_602 })],
        ['a time with a fraction', withMore({ exp: nowSeconds(bench.farm.clock) + 60.5 })],
        ['a time as text', withMore({ exp: String(nowSeconds(bench.farm.clock) + 60) })],
      ])
    },
  },
]

async function tryEach(bench: Bench, expected: Expectation, tricks: Trick[]): Promise<void> {
  for (const [what, make] of tricks) {
    const ticket = await bench.mint()
    await bench.present(what, withToken(ticket, make(splitToken(ticket.token))), expected)
  }
}
