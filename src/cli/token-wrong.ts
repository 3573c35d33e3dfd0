import { createPrivateKey, generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto'
import { type Command, Option } from 'commander'
import type { KeyPair } from '../certs/index.ts'
import {
  joinToken,
  privateKeyOf,
  signAnything,
  signWithPublicKey,
  splitToken,
} from '../lab/index.ts'
import { BrokerError, Secret } from '../lib/index.ts'
import { parseDuration } from './duration.ts'

const PARTS = ['header', 'claims', 'signature'] as const
const ALGORITHMS = ['none', 'HS256', 'RS256', 'RS512', 'PS256', 'PS512', 'ES256', 'ES384']
/** Of the user's name: no node looks at a cookie of more than 4,096 characters. */
const OVER_LONG_CHARACTERS = 4_096
const DEFAULT_EXPIRED_SECONDS = 60

/** What is wrong about a token on purpose: for tests of those that verify it. */
export interface WrongOptions {
  /** Seconds since its end; true for a minute. */
  expired?: number | true
  /** Seconds until its beginning. */
  notBefore?: number
  wrongAudience?: boolean
  wrongKey?: boolean
  altered?: (typeof PARTS)[number]
  algorithm?: string
  without?: string
  overLong?: boolean
}

/** All but a change behind the signature. */
const SIGNED_ANEW = [
  'expired',
  'notBefore',
  'wrongAudience',
  'wrongKey',
  'algorithm',
  'without',
  'overLong',
] as const satisfies (keyof WrongOptions)[]

/** Those that FedAuth has no words for. */
export const NOT_OF_FEDAUTH = [...SIGNED_ANEW.slice(1), 'altered'] as const

export function addWrongOptions(command: Command): Command {
  return command
    .optionsGroup('Wrong on purpose:')
    .addOption(
      new Option('--expired [time]', 'it ended so long ago, 1m unless said')
        .argParser(parseDuration)
        .conflicts('notBefore'),
    )
    .option('--not-before <time>', 'it begins in so long', parseDuration)
    .option('--wrong-audience', 'for another audience than --audience')
    .option('--wrong-key', "signed by another key, under the issuer's name")
    .addOption(
      new Option(
        '--altered <part>',
        'changed after signing: other claims, the same header in another order, or one bit',
      ).choices([...PARTS]),
    )
    .addOption(new Option('--algorithm <name>', 'its header names this one').choices(ALGORITHMS))
    .option('--without <claim>', 'this claim is missing')
    .option('--over-long', 'longer than any node looks at')
}

export interface Times {
  iat: number
  nbf: number
  exp: number
}

/** @param times of a good token that is minted now, in seconds */
export function wrongTimes<T extends Times>(
  { iat, nbf, exp }: T,
  { expired, notBefore = 0 }: WrongOptions,
): Times {
  const ago = expired === true ? DEFAULT_EXPIRED_SECONDS : expired
  const shift = ago === undefined ? notBefore : iat - exp - ago
  return { iat: iat + shift, nbf: nbf + shift, exp: exp + shift }
}

/**
 * The same token with what is to be wrong about its form; without anything, itself.
 *
 * @throws BrokerError `ERR_USAGE` for a claim to leave out that it does not have
 */
export function makeWrong(token: Secret, pair: KeyPair, wrong: WrongOptions): Secret {
  const signed = signWrongly(token, pair, wrong)
  return wrong.altered === undefined ? signed : alter(signed, wrong.altered)
}

/** Signed anew, since an issuer would not, nor for a time before its own. */
function signWrongly(token: Secret, pair: KeyPair, wrong: WrongOptions): Secret {
  const { algorithm, without, wrongKey } = wrong
  if (SIGNED_ANEW.every((name) => wrong[name] === undefined)) return token
  const parts = splitToken<Times & { aud: string }>(token)
  checkWithout(without, Object.keys(parts.claims))
  const header = { ...parts.header, ...(algorithm === undefined ? {} : { alg: algorithm }) }
  const claims = {
    ...wrongClaims(parts.claims, wrong),
    ...(without === undefined ? {} : { [without]: undefined }),
  }
  if (algorithm === 'none') return new Secret(joinToken(header, claims, Buffer.alloc(0)))
  if (algorithm === 'HS256') return new Secret(signWithPublicKey(pair, header, claims))
  const key = wrongKey === true ? anotherKey(pair) : privateKeyOf(pair)
  return new Secret(signAnything(key, header, claims))
}

/** A good token must not pass for one that lacks something. */
function checkWithout(without: string | undefined, claims: string[]): void {
  if (without === undefined || claims.includes(without)) return
  const text = `--without ${without}: not in this token, which has ${claims.join(', ')}`
  throw new BrokerError('ERR_USAGE', text)
}

function wrongClaims(claims: Times & { aud: string }, wrong: WrongOptions): object {
  return {
    ...claims,
    ...wrongTimes(claims, wrong),
    ...(wrong.wrongAudience === undefined ? {} : { aud: `not-${claims.aud}` }),
    ...(wrong.overLong === undefined ? {} : { sub: 'x'.repeat(OVER_LONG_CHARACTERS) }),
  }
}

/** A new one of the same kind. */
function anotherKey({ privateKeyPem }: KeyPair): KeyObject {
  const { asymmetricKeyDetails } = createPrivateKey(privateKeyPem)
  const { namedCurve, modulusLength = 2048 } = asymmetricKeyDetails ?? {}
  return namedCurve === undefined
    ? generateKeyPairSync('rsa', { modulusLength }).privateKey
    : generateKeyPairSync('ec', { namedCurve }).privateKey
}

/** Changed behind the signature, which is the only thing wrong with it then: what it says can be read, and can be. */
function alter(token: Secret, part: (typeof PARTS)[number]): Secret {
  const { header, claims, signature } = splitToken<Times>(token)
  switch (part) {
    case 'header': {
      // Any other value of it would be refused before the signature is looked at.
      const reordered = Object.fromEntries(Object.entries(header).reverse())
      return new Secret(joinToken(reordered, claims, signature))
    }
    case 'claims':
      return new Secret(joinToken(header, { ...claims, jti: randomUUID() }, signature))
    case 'signature':
      return new Secret(joinToken(header, claims, withOneBitChanged(signature)))
  }
}

function withOneBitChanged(bytes: Uint8Array): Uint8Array {
  const middle = Math.floor(bytes.length / 2)
  return bytes.map((byte, index) => (index === middle ? byte ^ 1 : byte))
}
