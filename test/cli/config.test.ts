import { chmodSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { register } from '../../src/cli/config.ts'
import { BROKER, FARM, GATEWAY } from '../config/files.ts'
import { runCommand, writeFiles } from './run-command.ts'

const check = (...args: string[]) => runCommand(register, ['config', 'check', ...args])

/** A configuration with every file it names beside it. */
async function writeRole(text: (thumbprint: string) => string, now = new Date()) {
  const { authority, issuer, portalTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: [],
    now,
  })
  return writeFiles({
    'config.yaml': text(readCertificate(issuer.certificatePem).sha256Thumbprint),
    'tls.crt': portalTls.certificatePem,
    'tls.key': portalTls.privateKeyPem,
    'issuer.crt': issuer.certificatePem,
    'issuer.key': issuer.privateKeyPem,
    'ca.crt': authority.certificatePem,
  })
}

const broker = () =>
  BROKER.replace('0.0.0.0', '127.0.0.1')
    .replace('keys/issuer.crt', 'issuer.crt')
    .replace('/etc/portcullis/issuer.key', 'issuer.key')
const gateway = (thumbprint: string) =>
  GATEWAY.replace('[::]', '[::1]')
    .replace(/'0123\w*'/, `'${thumbprint}'`)
    .replace(/ *notAfter.*\n/, '')
const development = '\ndevelopment: true'

test('finds no fault in a right file of each role', async () => {
  for (const [role, text] of Object.entries({
    broker: () => broker() + development,
    gateway: (thumbprint: string) => gateway(thumbprint) + development,
    farm: () => FARM,
  })) {
    const files = await writeRole(text)
    const { stdout, stderr, exitCode } = await check(files['config.yaml'])
    expect(stderr).toBe('')
    expect(stdout.toString()).toBe(`${files['config.yaml']}: no faults, role ${role}\n`)
    expect(exitCode).toBe(0)
  }
})

test.each([0o644, 0o640, 0o660, 0o604])('names a key of mode %o, as doctor does', async (mode) => {
  const files = await writeRole(() => broker() + development)
  chmodSync(files['issuer.key'], mode)
  const { stderr, exitCode } = await check(files['config.yaml'])
  const key = files['issuer.key']
  const have = mode.toString(8)
  expect(stderr).toBe(
    `portcullis: issuer.privateKeyFile: ${key}: need mode 600, have ${have}: others can read the key; chmod 600 ${key}\n`,
  )
  expect(exitCode).toBe(1)
})

test('names a store without a directory', async () => {
  const away = broker().replace('portcullis.sqlite', 'missing/portcullis.sqlite')
  const files = await writeRole(() => away + development)
  const { stderr, exitCode } = await check(files['config.yaml'])
  expect(stderr).toMatch(/^portcullis: store\.file: .*missing is no directory/m)
  expect(exitCode).toBe(1)
})

test('names every fault of the values, the last one last', async () => {
  const files = writeFiles({ 'config.yaml': `${GATEWAY}leewaySeconds: 31\nlimit: {}` })
  const { stderr, exitCode } = await check(files['config.yaml'])
  expect(stderr).toBe(
    'portcullis: leewaySeconds: have 31; need a whole number from 0 to 30\n' +
      'portcullis: limit: unknown setting; did you mean limits?\n',
  )
  expect(exitCode).toBe(1)
})

test('opens the files that are named', async () => {
  const files = await writeRole(() => gateway('A'.repeat(64)))
  const { stdout, exitCode } = await check(files['config.yaml'], '--json')
  const { faults, ...rest } = JSON.parse(stdout.toString())
  expect(rest).toEqual({ file: files['config.yaml'], role: 'gateway', ok: false })
  expect(faults).toEqual([
    {
      path: 'tls.certificateFile',
      message: expect.stringContaining('is a development certificate; use one of your own'),
    },
    {
      path: 'trust.0.thumbprint',
      message: expect.stringMatching(/^have A{64}; the certificate's/),
    },
  ])
  expect(exitCode).toBe(1)
  expect((await check(files['config.yaml'], '--no-files')).exitCode).toBe(0)
})

test('names missing files and expired certificates', async () => {
  const missing = writeFiles({ 'config.yaml': broker() + development })
  expect((await check(missing['config.yaml'])).stderr).toMatch(
    /tls: tls.certificateFile .*no such file.*issuer: issuer.certificateFile .*no such file/s,
  )
  const files = await writeRole(() => broker() + development, new Date('2026-01-01'))
  expect((await check(files['config.yaml'])).stderr).toMatch(
    /tls.certificateFile: expired on 2026-03-0.*issuer.certificateFile: expired on 2026-03-0/s,
  )
})

test("says why a publisher can't sign", async () => {
  const publisher = '\npublisher: { certificateFile: issuer.crt, privateKeyFile: issuer.key }'
  const files = await writeRole(() => broker() + development + publisher)
  const { stderr, exitCode } = await check(files['config.yaml'])
  expect(stderr).toContain('publisher: publisher certificate: need an RSA key of 2048 bits or more')
  expect(exitCode).toBe(1)
})

test('a file that is not there is a usage error, one that is no YAML a fault', async () => {
  expect((await check('/nonexistent.yaml')).exitCode).toBe(2)
  const files = writeFiles({ 'config.yaml': 'a: [' })
  const { stderr, exitCode } = await check(files['config.yaml'])
  expect(stderr).toContain('is no YAML')
  expect(exitCode).toBe(1)
})

test('the role can be given', async () => {
  const files = writeFiles({ 'config.yaml': FARM })
  expect((await check(files['config.yaml'], '--role', 'gateway')).stderr).toContain('node: missing')
})
