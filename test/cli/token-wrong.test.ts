import { beforeAll, expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import { register } from '../../src/cli/token.ts'
import { VM_GUID } from '../tokens/minting.ts'
import { type Outcome, runCommand, writeFiles } from './run-command.ts'

const GATEWAY =
  '--audience demo --tenant acme --user ann --vm web --kind rdp --target 192.0.2.10:3389'.split(' ')
const HOST = `--format host --audience hv1 --vm web --vm-guid ${VM_GUID}`.split(' ')

let issuers: Record<'ec-p256' | 'ec-p384' | 'rsa-2048', { certificate: string; key: string }>

beforeAll(async () => {
  // The command has the real clock, so the issuers live now.
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 120_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const issue = async (key: 'ec-p256' | 'ec-p384' | 'rsa-2048') => {
    const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: key } as const
    const pair = await issueCertificate({ ...leaf, key })
    return { certificate: pair.certificatePem, key: pair.privateKeyPem }
  }
  issuers = {
    'ec-p256': await issue('ec-p256'),
    'ec-p384': await issue('ec-p384'),
    'rsa-2048': await issue('rsa-2048'),
  }
})

async function mintAndVerify(
  minting: string[],
  verifying: string[],
  key: keyof typeof issuers = 'ec-p256',
): Promise<Outcome> {
  const files = writeFiles({ 'i.crt': issuers[key].certificate, 'i.key': issuers[key].key })
  const issuer = ['--issuer-key', files['i.key'], '--issuer-certificate', files['i.crt']]
  const minted = await runCommand(register, ['token', 'mint', ...issuer, ...minting])
  if (minted.exitCode !== 0) return minted
  const { token } = writeFiles({ token: minted.stdout })
  return runCommand(register, ['token', 'verify', token, '--issuer', files['i.crt'], ...verifying])
}

const WRONG: [flags: string, reason: string][] = [
  ['--expired', 'token-expired'],
  ['--expired 1h', 'token-expired'],
  ['--not-before 10m', 'token-not-yet-valid'],
  ['--not-before 3h', 'token-not-yet-valid'],
  ['--wrong-audience', 'audience-mismatch'],
  ['--wrong-key', 'signature-invalid'],
  ['--altered header', 'signature-invalid'],
  ['--altered claims', 'signature-invalid'],
  ['--altered signature', 'signature-invalid'],
  ['--algorithm none', 'token-malformed'],
  ['--algorithm HS256', 'algorithm-refused'],
  ['--algorithm PS256', 'algorithm-refused'],
  ['--without exp', 'token-malformed'],
  ['--over-long', 'token-malformed'],
]

test.each(WRONG)('a gateway token with %s is refused as %s', async (flags, reason) => {
  const outcome = await mintAndVerify([...GATEWAY, ...flags.split(' ')], ['--audience', 'demo'])
  expect(outcome.stderr).toMatch(new RegExp(`^portcullis: (${reason}): `, 'm'))
  expect(outcome.exitCode).toBe(1)
})

test.each(WRONG)('a host token with %s is refused as %s', async (flags, reason) => {
  const verifying = ['--host-token', '--audience', 'hv1']
  const outcome = await mintAndVerify([...HOST, ...flags.split(' ')], verifying)
  expect(outcome.stderr).toMatch(new RegExp(`^portcullis: (${reason}): `, 'm'))
  expect(outcome.exitCode).toBe(1)
})

test.each(['ec-p384', 'rsa-2048'] as const)('is signed rightly by %s all the same', async (key) => {
  const wrong = ['--without', 'max', '--session-seconds', '60']
  const good = await mintAndVerify([...GATEWAY, ...wrong], ['--audience', 'demo'], key)
  expect(good).toMatchObject({ exitCode: 0, stderr: '' })
  const other = await mintAndVerify([...GATEWAY, '--wrong-key'], ['--audience', 'demo'], key)
  expect(other.stderr).toMatch(/^portcullis: signature-invalid: /m)
})

test.each([
  ['--without foo', /^portcullis: --without foo: not in this token, which has iss, aud, jti, /],
  ['--without max', /^portcullis: --without max: not in this token, /],
  ['--expired --not-before 10m', /'--expired \[time\]' cannot be used with option '--not-before/],
])('mints nothing with %s, which would not be seen', async (flags, message) => {
  const outcome = await mintAndVerify([...GATEWAY, ...flags.split(' ')], [])
  expect(outcome.stderr).toMatch(message)
  expect(outcome.exitCode).not.toBe(0)
  expect(outcome.stdout).toHaveLength(0)
})

test('FedAuth can be expired, and nothing else', async () => {
  const fedauth = ['--format', 'fedauth', '--target', 'hv1.example:2179']
  const expired = await mintAndVerify([...fedauth, '--expired'], ['--audience', 'demo'], 'rsa-2048')
  expect(expired.stderr).toMatch(/^portcullis: token-expired: /m)
  const more = await mintAndVerify([...fedauth, '--wrong-key'], [], 'rsa-2048')
  expect(more).toMatchObject({
    exitCode: 2,
    stderr: 'portcullis: --wrong-key: --format fedauth cannot say it\n',
  })
})
