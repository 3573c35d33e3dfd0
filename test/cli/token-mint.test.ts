import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { beforeAll, expect, test } from 'vitest'
import {
  createAuthority,
  issueCertificate,
  type KeyPair,
  type KeyType,
} from '../../src/certs/index.ts'
import { register } from '../../src/cli/token.ts'
import { Secret } from '../../src/lib/index.ts'
import { renderConsoleFile } from '../../src/rdpfile/index.ts'
import { VM_GUID } from '../tokens/minting.ts'
import { type Outcome, runCommand, writeFiles } from './run-command.ts'

const pairs = new Map<KeyType, KeyPair>()

beforeAll(async () => {
  // The command has the real clock, so the issuers live now.
  const common = { organization: 'Example', notBefore: new Date(Date.now() - 60_000), days: 2 }
  const authority = await createAuthority({ ...common, commonName: 'Authority' })
  const leaf = { ...common, days: 1, authority, role: 'issuer', commonName: 'Issuer' } as const
  for (const key of ['ec-p256', 'rsa-2048'] as const) {
    pairs.set(key, await issueCertificate({ ...leaf, key }))
  }
})

function writeIssuer(key: KeyType = 'ec-p256') {
  const { certificatePem = '', privateKeyPem = '' } = pairs.get(key) ?? {}
  return writeFiles({ 'issuer.crt': certificatePem, 'issuer.key': privateKeyPem })
}

type Files = ReturnType<typeof writeIssuer>

function mint(files: Files, ...args: string[]): Promise<Outcome> {
  const issuer = ['--issuer-key', files['issuer.key'], '--issuer-certificate', files['issuer.crt']]
  return runCommand(register, ['token', 'mint', ...issuer, ...args])
}

function verify(files: Files, file: string, ...args: string[]): Promise<Outcome> {
  const issuer = ['--issuer', files['issuer.crt']]
  return runCommand(register, ['token', 'verify', file, ...issuer, ...args])
}

const CLAIMS =
  '--audience Demo --tenant acme --user ann --vm web --kind rdp --target 192.0.2.10:3389'.split(' ')

test('what it mints it verifies', async () => {
  const files = writeIssuer()
  const out = join(files.directory, 'token')
  const minted = await mint(files, ...CLAIMS, '--ttl', '5m', '--jti', 'one', '--out', out)
  expect(minted).toMatchObject({ exitCode: 0, stderr: '' })
  expect(minted.stdout.toString()).toBe(`${out}\n`)
  expect(statSync(out).mode & 0o777).toBe(0o600)

  const plain = await verify(files, out, '--audience', 'demo')
  expect(plain).toMatchObject({ exitCode: 0, stderr: '' })
  expect(plain.stdout.toString()).toMatch(/^verified {2}gateway token\n/)
  const json = await verify(files, out, '--audience', 'demo', '--json')
  const { ok, format, claims } = JSON.parse(json.stdout.toString())
  expect({ ok, format }).toEqual({ ok: true, format: 'gateway token' })
  expect(claims).toMatchObject({ aud: 'demo', jti: 'one', tid: 'acme', dst: '192.0.2.10:3389' })
  expect(claims.exp - claims.iat).toBe(300)
})

test('says every claim that a token can make', async () => {
  const files = writeIssuer()
  const all = `--vm-guid ${VM_GUID} --broker b1 --client-address 192.0.2.0/24 --idle-minutes 5 --session-seconds 600 --redirections 8 --reconnect-seconds 60`
  const { stdout } = await mint(files, ...CLAIMS, ...all.split(' '))
  const token = writeFiles({ token: stdout }).token
  const { stdout: json } = await runCommand(register, ['token', 'inspect', token, '--json'])
  expect(JSON.parse(json.toString())).toMatchObject({
    claims: { iss: 'b1', vmg: VM_GUID, cip: '192.0.2.0/24', idl: 5, max: 600, rdr: 8, rcw: 60 },
    issues: [],
  })
  const audience = ['--audience', 'demo']
  const away = await verify(files, token, ...audience, '--client-address', '198.51.100.1')
  expect(away).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('client-mismatch') })
  const near = await verify(files, token, ...audience, '--client-address', '192.0.2.200')
  expect(near.exitCode).toBe(0)
})

test('mints a FedAuth token, and says that it names no VM', async () => {
  const files = writeIssuer('rsa-2048')
  const { stdout } = await mint(files, '--format', 'fedauth', '--target', 'hv1.example:2179')
  expect(stdout.toString()).toMatch(
    /^Host=hv1\.example&Port=2179&ExpiresOn=\d+&Signature=1\|SHA256\|/,
  )
  const { token } = writeFiles({ token: stdout })
  const verified = await verify(files, token, '--audience', 'demo')
  expect(verified.stdout.toString()).toContain('verified  FedAuth gateway token')
  expect(verified.stdout.toString()).toContain('vm-unbound')
})

test('mints a host token as the text of the preconnection blob', async () => {
  const files = writeIssuer()
  const host = ['--format', 'host', '--audience', 'hv1', '--vm', 'web', '--vm-guid', VM_GUID]
  const { stdout } = await mint(files, ...host)
  expect(stdout.toString()).toMatch(new RegExp(`^${VM_GUID};Token=`))
  const { token } = writeFiles({ token: stdout })
  expect((await verify(files, token, '--host-token', '--audience', 'hv1')).exitCode).toBe(0)
  const elsewhere = await verify(files, token, '--host-token', '--audience', 'hv2', '--json')
  expect(elsewhere.exitCode).toBe(1)
  expect(JSON.parse(elsewhere.stdout.toString())).toMatchObject({
    ok: false,
    reason: 'audience-mismatch',
  })
})

test('verifies the token in an .rdp file, and says why it is refused on the last line', async () => {
  const files = writeIssuer()
  const { stdout } = await mint(files, ...CLAIMS)
  const rdp = renderConsoleFile({
    kind: 'rdp',
    host: '192.0.2.10',
    port: 3389,
    gatewayAddress: 'gw.example:443',
    gatewayToken: new Secret(stdout.toString().trim()),
  })
  const { 'console.rdp': path } = writeFiles({ 'console.rdp': rdp })
  expect((await verify(files, path, '--audience', 'demo')).exitCode).toBe(0)
  const stranger = await verify(writeIssuer('rsa-2048'), path, '--audience', 'demo')
  expect(stranger.exitCode).toBe(1)
  expect(stranger.stderr.trimEnd().split('\n').at(-1)).toMatch(/^portcullis: issuer-unknown: /)
  const cut = writeFiles({ token: readFileSync(path).subarray(0, 40) })
  expect((await verify(files, cut.token, '--audience', 'demo')).exitCode).toBe(1)
})

test.each([
  ['a claim that is missing', CLAIMS.slice(2), '--audience: needed with --format native'],
  [
    'a claim that the format cannot say',
    ['--format', 'fedauth', '--target', 'hv1:2179', '--vm', 'web'],
    '--vm: --format fedauth cannot say it',
  ],
  ['a target without port', CLAIMS.with(-1, 'hv1'), '--target hv1: need host:port'],
  [
    'FedAuth with an EC key',
    ['--format', 'fedauth', '--target', 'hv1:2179'],
    '--format fedauth: needs an issuer with an RSA key',
  ],
])('does not mint with %s', async (_, args, message) => {
  const { stderr, exitCode, stdout } = await mint(writeIssuer(), ...args)
  expect({ stderr, exitCode }).toEqual({ stderr: `portcullis: ${message}\n`, exitCode: 2 })
  expect(stdout).toHaveLength(0)
})

test('mints nothing that no verifier would take', async () => {
  const { stderr, exitCode } = await mint(writeIssuer(), ...CLAIMS, '--ttl', '61m')
  expect(stderr).toBe('portcullis: token-malformed: claim exp: need at most 3600 s after iat\n')
  expect(exitCode).toBe(1)
})
