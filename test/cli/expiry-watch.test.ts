import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { createAuthority, issueCertificate } from '../../src/certs/index.ts'
import { reportExpiry } from '../../src/cli/expiry-watch.ts'
import { createLog, type LogFields } from '../../src/lib/index.ts'
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

function report(config: object, day: number): LogFields[] {
  const lines: LogFields[] = []
  const stream = { write: (line: string) => void lines.push(JSON.parse(line)) }
  const clock = { now: () => notBefore.getTime() + day * DAY_MS }
  reportExpiry({ config, clock, log: createLog({ stream }) })
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
