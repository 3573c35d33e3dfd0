import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect } from 'vitest'
import { runProgram, testWithPrograms } from '../helpers/programs.ts'

// Everything that certs makes or reads, held against OpenSSL.

const entry = join(import.meta.dirname, '../../src/main.mjs')
let directory: string
let farm: string
let password: string

const certs = (...args: string[]): Promise<string> =>
  runProgram(process.execPath, [entry, 'certs', ...args], { cwd: directory })
const openssl = (...args: string[]): Promise<string> =>
  runProgram('openssl', args, { cwd: directory })
const at = (name: string): string => join(farm, name)

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-openssl-'))
  farm = join(directory, 'farm')
  password = join(directory, 'password')
  writeFileSync(password, 'pässwörd €\n')
  await certs(
    ...['init', farm, '--farm', 'example', '--microsoft', '--name', 'gateway.example'],
    ...['--broker', 'broker.example', '--node', 'gw1.example', '--node', 'gw2.example'],
  )
})

afterAll(() => rmSync(directory, { recursive: true, force: true }))

testWithPrograms(['openssl'], 'openssl verifies every certificate for its purpose', async () => {
  const verify = (ca: string, purpose: string, file: string, ...more: string[]): Promise<string> =>
    openssl(
      'verify',
      '-x509_strict',
      '-CAfile',
      at(`public/${ca}.crt`),
      '-purpose',
      purpose,
      ...more,
      at(file),
    )
  for (const node of ['gw1.example', 'gw2.example']) {
    const tls = `nodes/${node}/tls.crt`
    for (const name of ['gateway.example', node]) {
      expect(await verify('ca', 'sslserver', tls, '-verify_hostname', name)).toContain('OK')
    }
    await expect(
      verify('ca', 'sslserver', tls, '-verify_hostname', 'other.example'),
    ).rejects.toThrow('hostname mismatch')
    for (const purpose of ['sslclient', 'sslserver']) {
      expect(await verify('control-ca', purpose, `nodes/${node}/control.crt`)).toContain('OK')
    }
    // The two authorities are strangers to each other.
    await expect(verify('ca', 'sslclient', `nodes/${node}/control.crt`)).rejects.toThrow(
      'ended with 2',
    )
  }
  expect(await verify('ca', 'sslclient', 'broker/issuer.crt')).toContain('OK')
  expect(await verify('ca', 'any', 'broker/publisher.crt')).toContain('OK')
  const text = await openssl('x509', '-in', at('nodes/gw1.example/control.crt'), '-noout', '-text')
  expect(text).toContain('URI:urn:portcullis:control:node:gw1.example')
})

testWithPrograms(['openssl'], 'openssl verifies requests and finds the names in them', async () => {
  for (const key of ['ec-p256', 'ec-p384', 'rsa-3072']) {
    const names = ['--name', 'gateway.example', '--name', 'gw1.example', '--name', '192.0.2.1']
    await certs('csr', '--role', 'tls', ...names, '--key', key, '--hash', 'sha384', '--out', key)
    const text = await openssl('req', '-in', `${key}.csr`, '-verify', '-noout', '-text')
    expect(text).toMatch(/verify OK/i)
    expect(text).toContain('DNS:gateway.example, DNS:gw1.example, IP Address:192.0.2.1')
    expect(text).toContain('TLS Web Server Authentication')
    expect(text).toMatch(/ecdsa-with-SHA384|sha384WithRSAEncryption/)
  }
})

testWithPrograms(
  ['openssl'],
  'an answer to a request is taken over, as PEM and as PKCS#7',
  async () => {
    await certs('csr', '--role', 'tls', '--name', 'a.example', '--out', 'asked')
    await openssl(
      ...[
        'x509',
        '-req',
        '-in',
        'asked.csr',
        '-CA',
        at('authority/ca.crt'),
        '-CAkey',
        at('authority/ca.key'),
      ],
      ...['-CAcreateserial', '-copy_extensions', 'copy', '-days', '30', '-out', 'answer.pem'],
    )
    await certs('import', 'answer.pem', '--key', 'asked.key', '--out', 'asked')
    await certs(
      'check',
      'asked.crt',
      '--role',
      'tls',
      '--name',
      'a.example',
      '--ca',
      at('public/ca.crt'),
    )
    for (const form of ['PEM', 'DER']) {
      const bag = ['-certfile', at('public/ca.crt'), '-certfile', 'answer.pem']
      await openssl('crl2pkcs7', '-nocrl', ...bag, '-outform', form, '-out', `${form}.p7b`)
      await certs('import', `${form}.p7b`, '--key', 'asked.key', '--out', form)
      expect(readFileSync(join(directory, `${form}.crt`))).toEqual(
        readFileSync(join(directory, 'asked.crt')),
      )
    }
  },
)

testWithPrograms(
  ['openssl'],
  'openssl opens our PFX files, EC and RSA, in both encryptions',
  async () => {
    for (const name of ['tls', 'issuer']) {
      for (const encryption of ['aes-256', '3des']) {
        const pfx = `${name}-${encryption}.pfx`
        const from = at(`broker/${name}`)
        const chain = ['--chain', at('public/ca.crt'), '--encryption', encryption]
        await certs('export', `${from}.crt`, ...chain, '--password-file', password, '--out', pfx)
        const open = (...args: string[]): Promise<string> =>
          openssl('pkcs12', '-in', pfx, '-passin', `file:${password}`, '-nodes', ...args)
        expect(await open('-nocerts')).toContain(readFileSync(`${from}.key`, 'utf8').trim())
        const certificates = await open('-nokeys')
        for (const file of [`${from}.crt`, at('public/ca.crt')]) {
          expect(certificates).toContain(readFileSync(file, 'utf8').trim())
        }
        expect(certificates).toContain(
          `friendlyName: example ${name === 'tls' ? 'broker' : 'token issuer'}`,
        )
      }
    }
    await certs(
      'export',
      at('broker/issuer.crt'),
      '--microsoft',
      '--password-file',
      password,
      '--out',
      'vmm.pfx',
    )
    expect(
      await openssl('pkcs12', '-in', 'vmm.pfx', '-passin', `file:${password}`, '-nodes'),
    ).toContain('Microsoft CSP Name: Microsoft Enhanced RSA and AES Cryptographic Provider')
  },
)

testWithPrograms(['openssl'], 'we open PFX files of openssl, today’s and old ones', async () => {
  const forms: string[][] = [
    [],
    ['-certpbe', 'PBE-SHA1-3DES', '-keypbe', 'PBE-SHA1-3DES', '-macalg', 'sha1'],
    ['-keypbe', 'aes-128-cbc', '-certpbe', 'NONE', '-macalg', 'sha512'],
    // RC2-40 around the certificates: what Windows wrote by default for twenty years.
    ['-legacy'],
  ]
  for (const name of ['tls', 'issuer']) {
    const from = at(`broker/${name}`)
    for (const [index, form] of forms.entries()) {
      const out = `${name}-${index}`
      await openssl(
        ...[
          'pkcs12',
          '-export',
          '-in',
          `${from}.crt`,
          '-inkey',
          `${from}.key`,
          '-certfile',
          at('public/ca.crt'),
        ],
        ...['-passout', `file:${password}`, '-out', `${out}.pfx`, ...form],
      )
      await certs('import', `${out}.pfx`, '--password-file', password, '--out', out)
      for (const ending of ['crt', 'key']) {
        expect(readFileSync(join(directory, `${out}.${ending}`))).toEqual(
          readFileSync(`${from}.${ending}`),
        )
      }
    }
  }
})

testWithPrograms(['openssl'], 'thumbprints are those of openssl', async () => {
  const file = at('broker/issuer.crt')
  for (const hash of ['sha1', 'sha256']) {
    const line = await openssl('x509', '-in', file, '-noout', '-fingerprint', `-${hash}`)
    const pasted = line.slice(line.indexOf('=') + 1).trim()
    expect(await certs('thumbprint', file, '--compare', pasted)).toContain('is of this certificate')
  }
})
