import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import { certs, makeFarm } from './certs-farm.ts'

test('lists a directory for a person and for a script', async () => {
  const farm = await makeFarm()
  const table = (await certs('list', farm)).stdout.toString()
  expect(table).toMatch(/broker\/publisher\.crt +publisher +rsa-2048 +\d{4}-\d\d-\d\d +396 /)
  const list: unknown = JSON.parse((await certs('list', farm, '--json')).stdout.toString())
  expect(list).toContainEqual(
    expect.objectContaining({
      file: join(farm, 'nodes/gw2.example/tls.crt'),
      role: 'tls',
      holdsKey: true,
      names: ['gateway.example', 'gw2.example'],
      daysLeft: 396,
    }),
  )
})

test('goes on after a file that is none, and says so', async () => {
  const farm = await makeFarm()
  writeFileSync(join(farm, 'public/half.crt'), '-----BEGIN CERTIFICATE-----\nMIIB')
  const { stdout, stderr, exitCode } = await certs('list', farm)
  expect(stdout.toString()).toMatch(/half\.crt .*not readable/)
  expect(stderr).toContain('cut off: no END CERTIFICATE line')
  expect(exitCode).toBe(1)
})

test('shows both thumbprints, of PEM and DER', async () => {
  const farm = await makeFarm()
  const issuer = join(farm, 'broker/issuer.crt')
  const cer = join(farm, 'issuer.cer')
  await certs('export', issuer, '--out', cer)
  const { sha1Thumbprint, sha256Thumbprint } = readCertificate(readFileSync(issuer, 'utf8'))
  for (const file of [issuer, cer]) {
    const { stdout } = await certs('thumbprint', file)
    expect(stdout.toString()).toBe(`SHA-1    ${sha1Thumbprint}\nSHA-256  ${sha256Thumbprint}\n`)
  }
})

test('compares a pasted thumbprint in any spelling, and names what was odd', async () => {
  const farm = await makeFarm()
  const issuer = join(farm, 'broker/issuer.crt')
  const { sha1Thumbprint, sha256Thumbprint } = readCertificate(readFileSync(issuer, 'utf8'))
  const pasted = `\u200e${sha1Thumbprint.toLowerCase().replaceAll(/(..)(?=.)/g, '$1 ')}`
  const equal = await certs('thumbprint', issuer, '--compare', pasted)
  expect(equal.exitCode).toBe(0)
  expect(equal.stderr).toContain('ignored U+200E, once')
  expect((await certs('thumbprint', issuer, '--compare', sha256Thumbprint)).exitCode).toBe(0)
  const other = await certs('thumbprint', issuer, '--compare', 'ab'.repeat(20))
  expect(other.exitCode).toBe(1)
  expect(other.stderr).toContain('is of another certificate')
})
