import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { readCertificate } from '../../src/certs/index.ts'
import { ensureCertificates } from '../../src/demo/certificates.ts'

let directory: string
let said: string[]
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'portcullis-demo-certs-'))
  said = []
})
afterEach(() => rmSync(directory, { recursive: true }))

const ensure = () =>
  ensureCertificates({
    directory,
    farmName: 'demo',
    gateways: ['gw1'],
    agent: 'agent1',
    names: ['localhost'],
    clock: { now: () => Date.UTC(2030, 0, 1) },
    say: (text) => said.push(text),
  })

test('makes a set once, with an RSA publisher next to the issuer', async () => {
  const { publisher, caFile } = await ensure()
  const before = readFileSync(caFile, 'utf8')
  const certificate = readCertificate(readFileSync(publisher.certificateFile, 'utf8'))
  expect(certificate.publicKey.asymmetricKeyType).toBe('rsa')
  await ensure()
  expect(readFileSync(caFile, 'utf8')).toBe(before)
  expect(said).toEqual([
    'Making development certificates (valid 60 days, those of the control channel 30)…',
  ])
})

test('replaces a set of an earlier version, which lacks a pair', async () => {
  const { publisher, caFile } = await ensure()
  const before = readFileSync(caFile, 'utf8')
  rmSync(publisher.certificateFile)
  rmSync(publisher.privateKeyFile)
  await ensure()
  expect(readFileSync(caFile, 'utf8')).not.toBe(before)
  expect(said).toContain('The development certificates are of an earlier version: making new ones…')
})

test('leaves a set alone in which half a pair is missing or a file is broken', async () => {
  const { publisher, issuer } = await ensure()
  rmSync(publisher.privateKeyFile)
  await expect(ensure()).rejects.toThrow(/broken: .*publisher\.key: missing; remove .*ca\.crt/)
  writeFileSync(issuer.certificateFile, 'broken')
  await expect(ensure()).rejects.toThrow('certificates are broken')
})
