import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import {
  createDevelopmentCertificates,
  type KeyPair,
  readCertificate,
} from '../../src/certs/index.ts'
import type { RunningBroker } from '../../src/cli/broker.ts'
import { register as registerConsole } from '../../src/cli/console.ts'
import { register } from '../../src/cli/issuer.ts'
import { register as registerToken } from '../../src/cli/token.ts'
import { parseRdpFile } from '../../src/rdpfile/index.ts'
import { inspectToken } from '../../src/tokens/index.ts'
import { runCommand } from './run-command.ts'
import { type BrokerFiles, createBrokerFiles, start } from './running-broker.ts'

let files: BrokerFiles
let broker: RunningBroker
let access: string[]

beforeAll(async () => {
  files = await createBrokerFiles()
  await startBroker()
})
afterAll(async () => {
  await broker.close()
  files.remove()
})

async function startBroker(): Promise<void> {
  broker = await start(files.config)
  access = [
    ...['--api', `https://127.0.0.1:${broker.address.port}`],
    ...['--key-file', files.keyFile],
    ...['--ca', files.caFile],
  ]
}

const issuer = async (...args: string[]) => {
  const { stdout, ...rest } = await runCommand(register, ['issuer', ...args, ...access])
  return { stdout: stdout.toString(), ...rest }
}

async function makeIssuer(name: string): Promise<{ thumbprint: string; options: string[] }> {
  const { issuer: pair } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now: new Date(),
  })
  const paths = writePair(name, pair)
  const thumbprint = readCertificate(pair.certificatePem).sha256Thumbprint
  return { thumbprint, options: ['--certificate', paths.crt, '--private-key', paths.key] }
}

function writePair(name: string, pair: KeyPair): { crt: string; key: string } {
  const crt = join(files.directory, `${name}.crt`)
  const key = join(files.directory, `${name}.key`)
  writeFileSync(crt, pair.certificatePem)
  writeFileSync(key, pair.privateKeyPem, { mode: 0o600 })
  return { crt, key }
}

async function signedBy(): Promise<string> {
  const out = join(files.directory, 'console.rdp')
  await runCommand(registerConsole, ['console', 'open', 'web', '--out', out, ...access])
  const { header } = inspectToken(parseRdpFile(readFileSync(out)).get('gatewayaccesstoken') ?? '')
  const name = (header as { 'x5t#S256': string })['x5t#S256']
  return Buffer.from(name, 'base64url').toString('hex').toUpperCase()
}

test('rotates in one command, and a broker that starts again signs with the new one', async () => {
  const before = await signedBy()
  const { thumbprint, options } = await makeIssuer('issuer-2')
  const rotated = await issuer('rotate', ...options)
  expect(rotated).toMatchObject({ stdout: `${thumbprint}\n`, exitCode: 0 })
  expect(await signedBy()).toBe(thumbprint)
  const listed = await issuer('list')
  expect(listed.stdout).toMatch(new RegExp(`primary .*${thumbprint}`))
  expect(listed.stdout).toMatch(new RegExp(`retiring .*${before}`))
  await broker.close()
  await startBroker()
  expect(await signedBy()).toBe(thumbprint)
})

test('refuses while a verifier lags, names it, and goes on when it has confirmed', async () => {
  expect((await issuer('acknowledge', 'rdgw-1')).stderr).toMatch(
    /^portcullis: rdgw-1 counts as having version \d+; rotations wait for it\n$/,
  )
  const { thumbprint, options } = await makeIssuer('issuer-3')
  const refused = await issuer('rotate', ...options, '--wait', '1s')
  expect(refused.exitCode).toBe(1)
  expect(refused.stderr).toMatch(/external rdgw-1 has version \d+/)
  expect(await signedBy()).not.toBe(thumbprint)
  await issuer('acknowledge', 'rdgw-1')
  expect(await issuer('rotate')).toMatchObject({ stdout: `${thumbprint}\n`, exitCode: 0 })
  expect(await signedBy()).toBe(thumbprint)
  await issuer('forget', 'rdgw-1')
})

test('goes on without a verifier when told so; takes a rotation back', async () => {
  await issuer('acknowledge', 'rdgw-1', '--trust-version', '0')
  const { thumbprint, options } = await makeIssuer('issuer-4')
  expect((await issuer('rotate', ...options, '--wait', '1s')).exitCode).toBe(1)
  expect((await issuer('rotate', '--cancel')).exitCode).toBe(0)
  const overridden = await issuer('rotate', ...options, '--without', 'rdgw-1', '--json')
  expect(overridden.stderr).toContain('Went on without rdgw-1')
  expect(JSON.parse(overridden.stdout)).toMatchObject({ step: 'done', signing: thumbprint })
  expect(await issuer('forget', 'rdgw-1')).toMatchObject({
    stderr: 'portcullis: no rotation waits for rdgw-1 until it is heard of again\n',
    exitCode: 0,
  })
})

test('holds the local file against what the broker finds under its name', async () => {
  const { options } = await makeIssuer('issuer-5')
  const elsewhere = await makeIssuer('issuer-6')
  const mixed = [...options.slice(0, 3), ...elsewhere.options.slice(3)]
  const refused = await issuer('rotate', ...mixed)
  expect(refused).toMatchObject({ exitCode: 1, stdout: '' })
  expect(refused.stderr).toContain('validation-failed')
  expect((await issuer('rotate', ...options.slice(0, 2))).exitCode).toBe(2)
})

test('trusts and distrusts an issuer of somebody else', async () => {
  const { thumbprint, options } = await makeIssuer('vmm')
  const [, path = ''] = options
  const trusted = await issuer('trust', path, '--purpose', 'gateway', '--not-after', '2036-01-01')
  expect(trusted).toMatchObject({ stdout: `${thumbprint}\n`, exitCode: 0 })
  const listed = JSON.parse((await issuer('list', '--json')).stdout)
  expect(listed.items).toContainEqual(
    expect.objectContaining({
      sha256Thumbprint: thumbprint,
      use: 'trusted',
      purposes: ['gateway'],
    }),
  )
  const spelled = thumbprint.toLowerCase().replaceAll(/(..)(?!$)/g, '$1:')
  const gone = await issuer('distrust', spelled)
  expect(gone.exitCode).toBe(0)
  expect(gone.stderr).toMatch(
    /":", 31 times\nportcullis: tokens of this issuer are refused from now on\n$/,
  )
  expect((await issuer('list')).stdout).not.toContain(thumbprint)
})

test('a thumbprint that is none is a wrong argument', async () => {
  expect(await issuer('distrust', 'AA:BB')).toEqual({
    stdout: '',
    stderr: 'portcullis: thumbprint: need 40 or 64 hex digits, have 4\n',
    exitCode: 2,
  })
})

test('revokes what is out', async () => {
  const token = async (...args: string[]) =>
    runCommand(registerToken, ['token', 'revoke', ...args, ...access])
  await signedBy()
  const file = join(files.directory, 'console.rdp')
  const revoked = await token('file', file, '--end-sessions', '--reason', 'wrong machine')
  expect(revoked.exitCode).toBe(0)
  expect(revoked.stdout.toString()).toMatch(/^[0-9a-f-]{36}\n$/)
  expect(revoked.stderr).toMatch(
    /^portcullis: revoked the token \S+; 0 open sessions to be ended\n$/,
  )
  const all = await token('tenant', 'acme')
  expect(all.exitCode).toBe(0)
  expect(all.stderr).toMatch(
    /^portcullis: revoked tokens issued until \d{4}-\S+Z, of tenant acme\n$/,
  )
  const future = await token('before', '2099-01-01T00:00:00Z')
  expect(future.stderr).toContain('validation-failed')
})

test.each([
  ['tenant', 'acmee', 'there is no tenant acmee'],
  ['vm', 'nope', 'there is no machine nope'],
  ['user', 'nobody', 'there is no user of the portal nobody'],
  ['jti', 'nope', 'no console was minted here with the jti nope'],
])('revokes a %s that is not here, and says so', async (kind, value, warning) => {
  const args = ['token', 'revoke', kind, value, ...access]
  const { stderr, exitCode } = await runCommand(registerToken, args)
  expect(stderr).toContain(`\nportcullis: ${warning}: revoked all the same\n`)
  expect(exitCode).toBe(0)
})
