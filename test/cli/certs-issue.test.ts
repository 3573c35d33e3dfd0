import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPair, controlIdentityOf, describeKey } from '../../src/certs/index.ts'
import { certs, filesIn, makeFarm, workDirectory } from './certs-farm.ts'

function readPair(path: string) {
  return checkPair({
    certificatePem: readFileSync(`${path}.crt`, 'utf8'),
    privateKeyPem: readFileSync(`${path}.key`, 'utf8'),
  })
}

test('issues every role from the authority that is meant for it', async () => {
  const farm = await makeFarm()
  const out = workDirectory()
  for (const role of ['issuer', 'publisher', 'tls', 'node', 'broker', 'agent']) {
    const path = join(out, role)
    const names = ['tls', 'node', 'broker', 'agent'].includes(role) ? ['--name', 'gw3.example'] : []
    const issued = await certs(
      'issue',
      '--role',
      role,
      '--from',
      farm,
      '--out',
      path,
      ...names,
      '--json',
    )
    expect(issued.stderr).toBe('')
    const { certificate } = readPair(path)
    expect(JSON.parse(issued.stdout.toString())).toMatchObject({
      certificateFile: `${path}.crt`,
      sha256Thumbprint: certificate.sha256Thumbprint,
    })
    const isControl = controlIdentityOf(certificate) !== undefined
    const ca = join(farm, 'public', isControl ? 'control-ca.crt' : 'ca.crt')
    const check = await certs('check', `${path}.crt`, '--role', role, '--ca', ca)
    expect(check.exitCode, `${role}: ${check.stdout}`).toBe(0)
    expect(statSync(`${path}.key`).mode & 0o777).toBe(0o600)
  }
})

test('makes the key that was asked for', async () => {
  const farm = await makeFarm()
  const path = join(workDirectory(), 'tls')
  const args = ['--role', 'tls', '--from', farm, '--name', 'a.example', '--out', path]
  await certs('issue', ...args, '--key', 'ec-p384', '--days', '10')
  const { certificate } = readPair(path)
  expect(describeKey(certificate.publicKey)).toBe('ec-p384')
  expect(certificate.notAfter.getTime() - certificate.notBefore.getTime()).toBe(10 * 86_400_000)
})

test('overwrites neither key nor certificate, and leaves no half', async () => {
  const farm = await makeFarm()
  const directory = workDirectory()
  const path = join(directory, 'tls')
  const issue = () =>
    certs('issue', '--role', 'tls', '--from', farm, '--name', 'a.example', '--out', path)
  writeFileSync(`${path}.crt`, 'mine')
  const refused = await issue()
  expect(refused.exitCode).toBe(2)
  expect(refused.stderr).toContain('tls.crt: is there already')
  expect(filesIn(directory)).toEqual(['tls.crt'])
  expect(readFileSync(`${path}.crt`, 'utf8')).toBe('mine')
})

test('says what is missing', async () => {
  const out = join(workDirectory(), 'x')
  expect((await certs('issue', '--role', 'tls', '--name', 'a', '--out', out)).stderr).toContain(
    'authority: need --from, or --ca and --ca-key',
  )
  const farm = await makeFarm()
  const nameless = await certs('issue', '--role', 'node', '--from', farm, '--out', out)
  expect(nameless.stderr).toContain('--name: role node needs at least one')
  expect(nameless.exitCode).toBe(2)
})

test('asks an enterprise authority for every name of the farm', async () => {
  const directory = workDirectory()
  const farmFile = join(directory, 'farm.yaml')
  writeFileSync(
    farmFile,
    'name: example\naddress: gateway.example:443\nlisten: 0.0.0.0:443\nnodes:\n  - { name: gw1, address: "gw1.example:443" }\n  - { name: gw2, address: "192.0.2.12:443" }\n',
  )
  const out = join(directory, 'tls')
  const { stdout, stderr } = await certs(
    'csr',
    '--role',
    'tls',
    '--farm-config',
    farmFile,
    '--out',
    out,
    '--json',
  )
  expect(stderr).toBe('')
  expect(JSON.parse(stdout.toString())).toEqual({
    requestFile: `${out}.csr`,
    privateKeyFile: `${out}.key`,
    names: ['gateway.example', 'gw1', 'gw2', 'gw1.example', '192.0.2.12'],
  })
  expect(readFileSync(`${out}.csr`, 'utf8')).toContain('BEGIN CERTIFICATE REQUEST')
  expect(statSync(`${out}.key`).mode & 0o777).toBe(0o600)
})
