import type { Reason } from '../../lib/index.ts'
import type { Bench } from '../bench.ts'
import { badPacket, denied, type Expectation } from '../expectation.ts'
import { joinToken, splitToken, type TokenParts } from '../forge.ts'
import type { Scenario } from '../scenario.ts'
import { type Ticket, withToken } from '../ticket.ts'

const BASE64URL = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
/** How many characters of one token are changed at random, one at a time. */
const RANDOM_CHANGES = 12
/** The longest that a node looks at. */
const MAX_COOKIE = 4_096

type Change = [what: string, change: (ticket: Ticket) => string]

/** Every class of byte that can be changed in a good token, and forms that are no token at all. */
export const altered: Scenario[] = [
  {
    name: 'altered.header',
    title: 'A changed header opens nothing',
    run: async (bench) => {
      await presentEach(bench, denied('token-malformed'), [
        ['its first byte', ({ token }) => `f${token.reveal().slice(1)}`],
        ['a parameter more', withHeader({ kid: '1' })],
      ])
      const otherIssuer = { 'x5t#S256': 'A'.repeat(43) }
      await presentEach(bench, denied('issuer-unknown'), [
        ['the thumbprint of the issuer', withHeader(otherIssuer)],
      ])
    },
  },
  {
    name: 'altered.claims',
    title: 'A changed claim opens nothing, whichever it is',
    run: (bench) =>
      presentEach(bench, denied('signature-invalid'), [
        ['a later exp', withClaims(({ exp }) => ({ exp: exp + 60 }))],
        ['an earlier nbf', withClaims(({ nbf }) => ({ nbf: nbf - 60 }))],
        ['another jti', withClaims(() => ({ jti: 'another' }))],
        ['another machine', withClaims(() => ({ vm: 'another' }))],
        ['another target', withClaims(() => ({ dst: '127.0.0.1:22' }))],
        ['another user', withClaims(() => ({ sub: 'another' }))],
        ['another tenant', withClaims(() => ({ tid: 'another' }))],
        ['another farm', withClaims(() => ({ aud: 'another' }))],
        ['a limit more', withClaims(() => ({ max: 2_592_000 }))],
      ]),
  },
  {
    name: 'altered.signature',
    title: 'A changed signature opens nothing',
    run: (bench) =>
      presentEach(bench, denied('signature-invalid'), [
        ['one bit', ({ token }) => flipBit(bench, splitToken(token))],
        ['cut short', ({ token }) => withSignature(token, (bytes) => bytes.subarray(0, -3))],
        ['longer', ({ token }) => withSignature(token, (bytes) => Buffer.concat([bytes, bytes]))],
        ['all zeros', ({ token }) => withSignature(token, (bytes) => Buffer.alloc(bytes.length))],
      ]),
  },
  {
    name: 'altered.swapped',
    title: 'The signature of another token does not count',
    async run(bench) {
      const [one, other] = [await bench.mint(), await bench.mint()]
      const [header, claims] = one.token.reveal().split('.')
      const signature = other.token.reveal().split('.')[2]
      const swapped = withToken(one, [header, claims, signature].join('.'))
      await bench.present('parts of two tokens', swapped, denied('signature-invalid'))
    },
  },
  {
    name: 'altered.spelling',
    title: 'A good token in another spelling is another token, and refused',
    run: (bench) =>
      presentEach(bench, denied('token-malformed'), [
        ['its unused last bits', ({ token }) => withUnusedBits(token.reveal())],
        ['padding', ({ token }) => `${token.reveal()}==`],
        ['a space behind', ({ token }) => `${token.reveal()} `],
        ['a line feed inside', ({ token }) => token.reveal().replace('.', '.\n')],
        ['percent-encoded', ({ token }) => token.reveal().replaceAll('.', '%2E')],
        ['a fourth part', ({ token }) => `${token.reveal()}.AAAA`],
        ['a part less', ({ token }) => token.reveal().split('.').slice(0, 2).join('.')],
        ['in capitals', ({ token }) => token.reveal().toUpperCase()],
        ['a Cyrillic letter', ({ token }) => token.reveal().replace('e', 'е')],
      ]),
  },
  {
    name: 'altered.random',
    title: 'Any one character changed, and the token opens nothing',
    async run(bench) {
      const reasons: Reason[] = ['token-malformed', 'signature-invalid', 'issuer-unknown']
      for (let count = 0; count < RANDOM_CHANGES; count += 1) {
        const ticket = await bench.mint()
        const { at, text } = changeOne(bench, ticket.token.reveal())
        const expected = denied(...reasons, 'algorithm-refused')
        await bench.present(`character ${at}`, withToken(ticket, text), expected)
      }
    },
  },
  {
    name: 'altered.over-long',
    title: 'An over-long cookie is refused before anybody looks at it',
    async run(bench) {
      const ticket = await bench.mint()
      const longest = withToken(ticket, 'A'.repeat(MAX_COOKIE))
      await bench.present('4,096 characters', longest, denied('token-malformed'))
      const padded = withToken(ticket, ticket.token.reveal() + 'A'.repeat(MAX_COOKIE))
      await bench.present('a good token and 4,096 characters more', padded, badPacket)
      const huge = withToken(ticket, 'A'.repeat(32_000))
      await bench.present('32,000 characters', huge, badPacket)
    },
  },
  {
    name: 'altered.empty',
    title: 'An empty cookie is a broken packet',
    run: (bench) =>
      presentEach(bench, badPacket, [
        ['empty', () => ''],
        ['a NUL inside', ({ token }) => token.reveal().replace('.', '\0.')],
      ]),
  },
]

async function presentEach(bench: Bench, expected: Expectation, changes: Change[]): Promise<void> {
  for (const [what, change] of changes) {
    const ticket = await bench.mint()
    await bench.present(what, withToken(ticket, change(ticket)), expected)
  }
}

function withHeader(change: object): Change[1] {
  return ({ token }) => {
    const { header, claims, signature } = splitToken(token)
    return joinToken({ ...header, ...change }, claims, signature)
  }
}

function withClaims(change: (claims: Ticket['claims']) => Partial<Ticket['claims']>): Change[1] {
  return ({ token }) => {
    const { header, claims, signature } = splitToken(token)
    return joinToken(header, { ...claims, ...change(claims) }, signature)
  }
}

function withSignature(token: Ticket['token'], change: (bytes: Buffer) => Uint8Array): string {
  const { header, claims, signature } = splitToken(token)
  return joinToken(header, claims, change(signature))
}

function flipBit({ random }: Bench, { header, claims, signature }: TokenParts) {
  const at = random.below(signature.length)
  signature[at] = (signature[at] ?? 0) ^ (1 << random.below(8))
  return joinToken(header, claims, signature)
}

/** 64 bytes are 85 characters and 2 bits: of the last character's 6 bits 4 say nothing. */
function withUnusedBits(token: string): string {
  const last = BASE64URL.indexOf(token.at(-1) ?? '')
  return token.slice(0, -1) + BASE64URL[last ^ 1]
}

/** For another one of the same alphabet, dots left where they are. */
function changeOne({ random }: Bench, token: string): { at: number; text: string } {
  let at = random.below(token.length)
  while (token[at] === '.') at = random.below(token.length)
  const step = 1 + random.below(BASE64URL.length - 1)
  const changed = BASE64URL[(BASE64URL.indexOf(token[at] ?? '') + step) % BASE64URL.length]
  return { at, text: `${token.slice(0, at)}${changed}${token.slice(at + 1)}` }
}
