import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkPair, controlIdentityOf, readCertificate } from '../../src/certs/index.ts'
import { certs, filesIn, makeFarm, workDirectory } from './certs-farm.ts'

test('makes a directory for each machine, keys for their owner alone, and certs check likes all of it', async () => {
  const farm = await makeFarm()
  for (const name of filesIn(farm)) {
    const { mode } = statSync(join(farm, name))
    if (name.endsWith('.key')) expect(mode & 0o777, name).toBe(0o600)
    if (!name.includes('.')) expect(mode & 0o777, name).toBe(0o700)
  }
  const held = filesIn(join(farm, 'nodes', 'gw1.example'))
  expect(held).toEqual([
    'control-ca.crt',
    'control.crt',
    'control.key',
    'issuer.crt',
    'tls.crt',
    'tls.key',
  ])
  const control = readCertificate(readFileSync(join(farm, 'nodes/gw1.example/control.crt'), 'utf8'))
  expect(controlIdentityOf(control)).toEqual({ role: 'node', name: 'gw1.example' })
  const { exitCode, stdout } = await certs('check', farm, '--name', 'gateway.example', '--json')
  expect(JSON.parse(stdout.toString())).toMatchObject({ errors: 0, warnings: 0 })
  expect(exitCode).toBe(0)
})

test('never writes into a directory that holds something', async () => {
  const farm = await makeFarm()
  const before = readFileSync(join(farm, 'broker', 'issuer.key'), 'utf8')
  const names = ['--name', 'a.example', '--broker', 'b.example', '--node', 'c.example']
  const { exitCode, stderr } = await certs('init', farm, '--farm', 'other', ...names)
  expect(exitCode).toBe(2)
  expect(stderr).toContain('is there already and stays as it is')
  expect(readFileSync(join(farm, 'broker', 'issuer.key'), 'utf8')).toBe(before)
  expect(filesIn(join(farm, '..')).filter((name) => name.endsWith('.part'))).toEqual([])
})

test('writes nothing when a name cannot be one', async () => {
  const directory = workDirectory()
  const names = ['--name', 'a.example', '--broker', 'b.example', '--node', '../escape']
  const { exitCode, stderr } = await certs('init', join(directory, 'farm'), '--farm', 'x', ...names)
  expect(exitCode).toBe(1)
  expect(stderr).toContain('../escape is neither a DNS name nor an address')
  expect(filesIn(directory)).toEqual([])
})

test('makes what Microsoft asks for', async () => {
  const farm = await makeFarm('--microsoft', '--hash', 'sha384')
  const read = (name: string): string => readFileSync(join(farm, name), 'utf8')
  const { certificate } = checkPair({
    certificatePem: read('broker/issuer.crt'),
    privateKeyPem: read('broker/issuer.key'),
  })
  expect(certificate.publicKey.asymmetricKeyType).toBe('rsa')
  expect(certificate.signatureHash).toBe('SHA-384')
  const { exitCode } = await certs('check', farm, '--microsoft')
  expect(exitCode).toBe(0)
})
