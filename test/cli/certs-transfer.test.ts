import { createPrivateKey } from 'node:crypto'
import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createAuthority, issueCertificate, readCertificate } from '../../src/certs/index.ts'
import { certs, filesIn, makeFarm, passwordFile, workDirectory } from './certs-farm.ts'

test('a PFX goes out and comes back the same', async () => {
  const farm = await makeFarm()
  const directory = workDirectory()
  const password = passwordFile()
  for (const name of ['issuer', 'publisher']) {
    const [from, pfx, out] = [
      join(farm, 'broker', name),
      join(directory, `${name}.pfx`),
      join(directory, name),
    ]
    const exported = await certs('export', `${from}.crt`, '--out', pfx, '--password-file', password)
    expect(exported).toMatchObject({ exitCode: 0, stderr: '' })
    const imported = await certs('import', pfx, '--out', out, '--password-file', password)
    expect(imported).toMatchObject({ exitCode: 0, stderr: '' })
    for (const ending of ['crt', 'key']) {
      expect(readFileSync(`${out}.${ending}`, 'utf8')).toBe(
        readFileSync(`${from}.${ending}`, 'utf8'),
      )
    }
  }
})

test('a CER never holds the key', async () => {
  const farm = await makeFarm()
  const issuer = join(farm, 'broker', 'issuer.crt')
  const directory = workDirectory()
  await certs('export', issuer, '--out', join(directory, 'issuer.cer'))
  await certs('export', issuer, '--out', join(directory, 'issuer.pem'))
  const { der, pem } = readCertificate(readFileSync(issuer, 'utf8'))
  expect(readFileSync(join(directory, 'issuer.cer'))).toEqual(Buffer.from(der))
  expect(readFileSync(join(directory, 'issuer.pem'), 'utf8')).toBe(pem)
})

test('takes over what an authority answered, beside the key of the request', async () => {
  const farm = await makeFarm()
  const directory = workDirectory()
  const [from, out] = [join(farm, 'nodes/gw1.example/tls'), join(directory, 'tls')]
  cpSync(`${from}.key`, `${out}.key`)
  const chain =
    readFileSync(join(farm, 'public/ca.crt'), 'utf8') + readFileSync(`${from}.crt`, 'utf8')
  writeFileSync(join(directory, 'answer.pem'), chain)
  const answer = join(directory, 'answer.pem')
  const { exitCode, stderr } = await certs('import', answer, '--key', `${out}.key`, '--out', out)
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: '' })
  expect(readFileSync(`${out}.crt`, 'utf8')).toBe(readFileSync(`${from}.crt`, 'utf8'))
})

test('opens an encrypted key', async () => {
  const farm = await makeFarm()
  const directory = workDirectory()
  const from = join(farm, 'broker/issuer')
  const key = createPrivateKey(readFileSync(`${from}.key`, 'utf8'))
  const encrypted = join(directory, 'encrypted.key')
  writeFileSync(
    encrypted,
    key.export({
      type: 'pkcs8',
      format: 'pem',
      cipher: 'aes-256-cbc',
      passphrase: 'correct horse',
    }),
  )
  const run = (password: string) =>
    certs(
      'import',
      `${from}.crt`,
      '--key',
      encrypted,
      '--out',
      join(directory, 'out'),
      '--password-file',
      passwordFile(password),
    )
  expect((await run('wrong')).stderr).toContain('encrypted.key: wrong pass phrase')
  expect((await run('correct horse')).exitCode).toBe(0)
  expect(readFileSync(join(directory, 'out.key'), 'utf8')).toBe(readFileSync(`${from}.key`, 'utf8'))
})

test('names bad input, and changes nothing', async () => {
  const farm = await makeFarm()
  const password = passwordFile()
  const source = workDirectory()
  const pfx = join(source, 'issuer.pfx')
  await certs('export', join(farm, 'broker/issuer.crt'), '--out', pfx, '--password-file', password)
  const half = join(source, 'half.pfx')
  writeFileSync(half, readFileSync(pfx).subarray(0, 400))
  const halfPem = join(source, 'half.crt')
  writeFileSync(halfPem, readFileSync(join(farm, 'broker/issuer.crt'), 'utf8').slice(0, 300))
  const expired = await writeExpired(source)
  const directory = workDirectory()
  const cases: Array<[string[], string]> = [
    [[pfx, '--password-file', passwordFile('wrong')], 'wrong password, or the file was damaged'],
    [[half, '--password-file', password], 'half.pfx: cut off: need'],
    [[join(farm, 'broker/issuer.crt')], 'holds no private key; name its file with --key'],
    [
      [halfPem, '--key', join(farm, 'broker/issuer.key')],
      'half.crt: cut off: no END CERTIFICATE line',
    ],
    [
      [join(farm, 'broker/issuer.crt'), '--key', join(farm, 'broker/tls.key')],
      'belongs to the key',
    ],
    [[`${expired}.crt`, '--key', `${expired}.key`], 'expired on 2020-01-11'],
    [[pfx], 'name a file with --password-file'],
  ]
  for (const [args, message] of cases) {
    const { exitCode, stderr } = await certs('import', ...args, '--out', join(directory, 'issuer'))
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain(message)
    expect(filesIn(directory)).toEqual([])
  }
})

test('refuses exports that would not be what they say', async () => {
  const farm = await makeFarm()
  const directory = workDirectory()
  const password = ['--password-file', passwordFile()]
  const issuer = join(farm, 'broker/issuer.crt')
  const cases: Array<[string[], string]> = [
    [[issuer, '--out', join(directory, 'x.txt')], '--format: '],
    [[issuer, '--out', join(directory, 'x.pfx'), '--microsoft', ...password], 'need an RSA key'],
    [[join(farm, 'public/issuer.crt'), '--out', join(directory, 'x.pfx'), ...password], '--key'],
    [
      [
        issuer,
        '--key',
        join(farm, 'broker/tls.key'),
        '--out',
        join(directory, 'x.pfx'),
        ...password,
      ],
      'does not belong',
    ],
    [
      [issuer, '--out', join(directory, 'x.pfx'), '--password-file', passwordFile('')],
      'password: empty',
    ],
  ]
  for (const [args, message] of cases) {
    const { exitCode, stderr } = await certs('export', ...args)
    expect(exitCode).not.toBe(0)
    expect(stderr).toContain(message)
    expect(filesIn(directory)).toEqual([])
  }
})

async function writeExpired(directory: string): Promise<string> {
  const common = { organization: 'Example', notBefore: new Date('2020-01-01T00:00:00Z'), days: 10 }
  const authority = await createAuthority({ ...common, commonName: 'Root' })
  const pair = await issueCertificate({ ...common, authority, role: 'issuer', commonName: 'Old' })
  const path = join(directory, 'expired')
  writeFileSync(`${path}.crt`, pair.certificatePem)
  writeFileSync(`${path}.key`, pair.privateKeyPem)
  return path
}
