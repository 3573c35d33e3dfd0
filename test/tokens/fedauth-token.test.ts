import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Reason, Refusal } from '../../src/lib/index.ts'
import {
  decodeFedAuthToken,
  fedAuthId,
  parseFedAuthClaims,
  renderFedAuthClaims,
  renderFedAuthToken,
} from '../../src/tokens/fedauth-token.ts'

const THUMBPRINT = '0123456789ABCDEF0123456789ABCDEF01234567'
const TEXT = 'Host=hv1.example&Port=2179&ExpiresOn=1795262460'
/** Base64 with each of the three characters that are percent-encoded. */
const SIGNATURE = Buffer.from('fbefbefffbef', 'hex')
const TOKEN = `${TEXT}&Signature=1|SHA256|${THUMBPRINT}|%2B%2B%2B%2B%2F%2Fvv`

function reasonOf(decode: () => unknown): Reason {
  try {
    decode()
  } catch (error) {
    if (error instanceof Refusal) return error.reason
    throw error
  }
  throw new Error('accepted')
}

test('renders the bytes that the plug-in expects', () => {
  const signedText = renderFedAuthClaims({ dst: 'hv1.example:2179', exp: 1795262460 })
  const signature = SIGNATURE
  expect(signedText).toBe(TEXT)
  expect(
    renderFedAuthToken({ signedText, hash: 'SHA256', sha1Thumbprint: THUMBPRINT, signature }),
  ).toBe(TOKEN)
})

test('an IPv6 host stands without brackets', () => {
  const text = renderFedAuthClaims({ dst: '[2001:db8::7]:2179', exp: 1 })
  expect(text).toBe('Host=2001:db8::7&Port=2179&ExpiresOn=1')
  expect(parseFedAuthClaims(text)).toEqual({ dst: '[2001:db8::7]:2179', exp: 1 })
  expect(parseFedAuthClaims(text.replace('2001:db8::7', '[2001:db8::7]')).dst).toBe(
    '[2001:db8::7]:2179',
  )
})

test('takes a token apart and leaves what is signed alone', () => {
  expect(decodeFedAuthToken(TOKEN)).toEqual({
    signedText: TEXT,
    hash: 'SHA256',
    sha1Thumbprint: THUMBPRINT,
    signature: SIGNATURE,
  })
  const unread = TOKEN.replace('Host=hv1.example', 'a&Signature=b')
  expect(decodeFedAuthToken(unread).signedText).toBe('a&Signature=b&Port=2179&ExpiresOn=1795262460')
})

test('a token is named by what is signed', () => {
  expect(fedAuthId(TEXT)).toBe(createHash('sha256').update(TEXT).digest('hex'))
})

test('reads every token that it renders', () => {
  fc.assert(
    fc.property(
      fc.oneof(fc.ipV4(), fc.domain()),
      fc.integer({ min: 1, max: 65_535 }),
      fc.nat(),
      fc.uint8Array({ minLength: 1, maxLength: 512 }),
      (host, port, exp, bytes) => {
        const claims = { dst: `${host}:${port}`.toLowerCase(), exp }
        const parts = {
          signedText: renderFedAuthClaims(claims),
          hash: 'SHA512' as const,
          sha1Thumbprint: THUMBPRINT,
          signature: Buffer.from(bytes),
        }
        expect(decodeFedAuthToken(renderFedAuthToken(parts))).toEqual(parts)
        expect(parseFedAuthClaims(parts.signedText)).toEqual(claims)
      },
    ),
  )
})

test.each<[string, Reason, string]>([
  ['an empty text', 'token-malformed', ''],
  ['no signature', 'token-malformed', TEXT],
  ['three parts', 'token-malformed', TOKEN.replace('1|', '')],
  ['five parts', 'token-malformed', `${TOKEN}|`],
  ['an empty signature', 'token-malformed', TOKEN.slice(0, TOKEN.lastIndexOf('|') + 1)],
  ['version 2', 'token-malformed', TOKEN.replace('=1|', '=2|')],
  ['version 01', 'token-malformed', TOKEN.replace('=1|', '=01|')],
  ['SHA1', 'algorithm-refused', TOKEN.replace('SHA256', 'SHA1')],
  ['MD5', 'algorithm-refused', TOKEN.replace('SHA256', 'MD5')],
  ['sha256', 'algorithm-refused', TOKEN.replace('SHA256', 'sha256')],
  ['a name of every object', 'algorithm-refused', TOKEN.replace('SHA256', 'toString')],
  ['a thumbprint in lower case', 'token-malformed', TOKEN.replace('ABCDEF', 'abcdef')],
  ['a short thumbprint', 'token-malformed', TOKEN.replace('|0123', '|123')],
  ['plain base64', 'token-malformed', TOKEN.replaceAll('%2B', '+')],
  ['lower-case escapes', 'token-malformed', TOKEN.replaceAll('%2B', '%2b')],
  ['escaped letters', 'token-malformed', TOKEN.replace('vv', 'v%76')],
  ['twice escaped', 'token-malformed', TOKEN.replace('%2B', '%252B')],
  ['a broken escape', 'token-malformed', `${TOKEN}%2`],
  ['base64url', 'token-malformed', TOKEN.replaceAll('%2B', '-')],
  ['padding too many', 'token-malformed', `${TOKEN}%3D`],
  ['altered trailing bits', 'token-malformed', TOKEN.replace(/\|[^|]*$/, '|QR%3D%3D')],
  ['a space', 'token-malformed', `${TOKEN} `],
  ['a line end', 'token-malformed', `${TOKEN}\n`],
  ['a NUL', 'token-malformed', `${TOKEN}\0`],
  ['other than ASCII', 'token-malformed', TOKEN.replace('hv1', 'hvé')],
  ['over 4,096 characters', 'token-malformed', `${'x'.repeat(4096)}${TOKEN}`],
])('refuses %s: %s', (_, reason, token) => {
  expect(reasonOf(() => decodeFedAuthToken(token))).toBe(reason)
})

test.each([
  ['an unknown name', `${TEXT}&VMID=1`],
  ['a name in other case', TEXT.replace('Host', 'host')],
  ['a name twice', `${TEXT}&Port=2179`],
  ['the host twice', `Host=hv2.example&${TEXT}`],
  ['no host', TEXT.replace('Host=hv1.example&', '')],
  ['no port', TEXT.replace('&Port=2179', '')],
  ['no expiry', TEXT.replace(/&ExpiresOn.*/, '')],
  ['an empty host', TEXT.replace('hv1.example', '')],
  ['a host with a port', TEXT.replace('hv1.example', 'hv1.example:3389')],
  ['an escaped host', TEXT.replace('hv1', '%68v1')],
  ['half a bracket', TEXT.replace('hv1.example', '[2001:db8::7')],
  ['two equals signs', TEXT.replace('Port=', 'Port==')],
  ['port 0', TEXT.replace('2179', '0')],
  ['port 65536', TEXT.replace('2179', '65536')],
  ['a leading zero', TEXT.replace('2179', '02179')],
  ['a signed number', TEXT.replace('2179', '+2179')],
  ['a hexadecimal number', TEXT.replace('2179', '0x883')],
  ['a fraction', `${TEXT}.5`],
  ['a number of 16 digits', `${TEXT}000000`],
  ['an empty pair', `${TEXT}&`],
  ['nothing', ''],
])('refuses claims with %s', (_, signedText) => {
  expect(reasonOf(() => parseFedAuthClaims(signedText))).toBe('token-malformed')
})

test('renders no claims that it would not read', () => {
  expect(reasonOf(() => renderFedAuthClaims({ dst: 'hv1.example', exp: 1 }))).toBe(
    'token-malformed',
  )
  expect(reasonOf(() => renderFedAuthClaims({ dst: 'a&b:1', exp: 1 }))).toBe('token-malformed')
  expect(reasonOf(() => renderFedAuthClaims({ dst: 'a:1', exp: 0.5 }))).toBe('token-malformed')
})
