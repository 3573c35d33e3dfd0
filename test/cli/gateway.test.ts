import { expect, test } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { openGateway, register } from '../../src/cli/gateway.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { silentLog, systemClock } from '../../src/lib/index.ts'
import { freePort } from '../helpers/ports.ts'
import { runCommand, writeFiles } from './run-command.ts'

interface Change {
  thumbprint?: string
  development?: boolean
  /** Lists the issuer for a laboratory as well. */
  lab?: boolean
}

/** A configuration file with all that it names, and its path. */
async function writeConfig(change: Change = {}): Promise<string> {
  const { issuer, gatewayTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: ['gw1'],
    now: new Date(),
  })
  const { sha1Thumbprint } = readCertificate(issuer.certificatePem)
  const { thumbprint = sha1Thumbprint, development = true, lab = false } = change
  const listed = `{ certificateFile: issuer.crt, thumbprint: "${thumbprint}" }`
  const files = writeFiles({
    'tls.crt': gatewayTls.gw1?.certificatePem ?? '',
    'tls.key': gatewayTls.gw1?.privateKeyPem ?? '',
    'issuer.crt': issuer.certificatePem,
    'gateway.yaml': `
node: gw1
farm: { name: demo }
listeners: [{ address: "127.0.0.1:${await freePort()}" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
trust: [${listed}]
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
${lab ? `lab: { issuer: ${listed}, echoHost: "127.0.0.1:7007" }` : ''}
development: ${development}
`,
  })
  return files['gateway.yaml']
}

test('starts the node that its file describes', async () => {
  const config = loadGatewayConfig(await writeConfig(), {})
  const gateway = openGateway({ config, clock: systemClock, log: silentLog })
  const [listening] = await gateway.listen()
  expect(listening?.address).toMatch(/^127\.0\.0\.1:[1-9]\d+$/)
  await gateway.close()
})

test('a thumbprint of another certificate, and a development certificate in earnest, are errors', async () => {
  const foreign = await writeConfig({ thumbprint: 'AB'.repeat(20) })
  expect(await runCommand(register, ['gateway', '--config', foreign])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('trust.0.thumbprint: have ABAB'),
  })
  const earnest = await writeConfig({ development: false })
  expect(await runCommand(register, ['gateway', '--config', earnest])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining('tls.certificateFile: is a development certificate'),
  })
})

test('an issuer of users is none for a laboratory as well', async () => {
  const both = await writeConfig({ lab: true })
  expect(await runCommand(register, ['gateway', '--config', both])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(
      'lab.issuer: is trust.0 as well; need a certificate of its own',
    ),
  })
})
