import { copyFileSync, readFileSync, rmSync } from 'node:fs'
import { expect, onTestFinished, test } from 'vitest'
import {
  createAuthority,
  issueCertificate,
  type NamedCertificate,
  readCertificate,
} from '../../src/certs/index.ts'
import { reportExpiry, watchExpiry } from '../../src/cli/expiry-watch.ts'
import { createLog, type LogFields, silentLog } from '../../src/lib/index.ts'
import { writeFiles } from './run-command.ts'

const DAY_MS = 24 * 60 * 60 * 1000
const notBefore = new Date('2026-01-01T00:00:00Z')
const common = { organization: 'Example', notBefore }

async function makeFiles() {
  const authority = await createAuthority({ ...common, commonName: 'Root', days: 1000 })
  const issue = async (role: 'tls' | 'issuer', days: number): Promise<string> =>
    (await issueCertificate({ ...common, authority, role, commonName: role, days })).certificatePem
  return writeFiles({
    'tls.crt': await issue('tls', 100),
    'issuer.crt': await issue('issuer', 365),
    'ca.crt': authority.certificatePem,
  })
}

function report(config: object, day: number, others: NamedCertificate[] = []): LogFields[] {
  const lines: LogFields[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const clock = { now: () => notBefore.getTime() + day * DAY_MS }
  reportExpiry({ config, clock, log: createLog({ stream }), others: () => others })
  return lines
}

test('logs each certificate of a configuration that ends soon, louder when a person must act', async () => {
  const files = await makeFiles()
  const config = {
    tls: { certificateFile: files['tls.crt'] },
    trust: [{ certificateFile: files['issuer.crt'] }],
    control: { caFile: files['ca.crt'] },
    log: 'info',
  }
  expect(report(config, 10)).toEqual([])
  expect(report(config, 75)).toMatchObject([
    {
      event: 'cert.expiring',
      level: 'warn',
      certificate: 'tls.certificateFile',
      daysLeft: 25,
      stepDays: 30,
    },
  ])
  expect(report(config, 361)).toMatchObject([
    { level: 'error', certificate: 'tls.certificateFile', daysLeft: -261, stepDays: 0 },
    {
      level: 'error',
      certificate: 'trust.0.certificateFile',
      subject: 'CN=issuer, O=Example',
      stepDays: 7,
    },
  ])
})

test('names an issuer that signs since a rotation, and no certificate twice', async () => {
  const files = await makeFiles()
  const config = { issuer: { certificateFile: files['tls.crt'] } }
  const named = (file: string) => ({
    name: 'issuer',
    certificate: readCertificate(readFileSync(file, 'utf8')),
  })
  expect(report(config, 99, [named(files['tls.crt'])])).toHaveLength(1)
  expect(report(config, 361, [named(files['issuer.crt'])])).toMatchObject([
    { certificate: 'issuer.certificateFile', subject: 'CN=tls, O=Example' },
    { certificate: 'issuer', subject: 'CN=issuer, O=Example', daysLeft: 4 },
  ])
})

test('looks again when it is told that a file was replaced', async () => {
  const files = await makeFiles()
  const config = { tls: { certificateFile: files['tls.crt'] } }
  const watch = watchExpiry({ config, clock: { now: () => notBefore.getTime() }, log: silentLog })
  onTestFinished(watch.close)
  const endsAfter = (days: number) => [
    ['tls.certificateFile', new Date(notBefore.getTime() + days * DAY_MS)],
  ]
  expect(watch.ends()).toEqual(endsAfter(100))
  copyFileSync(files['issuer.crt'], files['tls.crt'])
  expect(watch.ends()).toEqual(endsAfter(100))
  watch.look()
  expect(watch.ends()).toEqual(endsAfter(365))
})

test('goes on when a file has gone', async () => {
  const files = await makeFiles()
  rmSync(files['ca.crt'])
  const config = {
    control: { caFile: files['ca.crt'] },
    tls: { certificateFile: files['tls.crt'] },
  }
  expect(report(config, 99)).toMatchObject([
    { event: 'cert.unreadable', certificate: 'control.caFile' },
    { event: 'cert.expiring', certificate: 'tls.certificateFile', stepDays: 1 },
  ])
})
