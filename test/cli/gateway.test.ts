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
}

/** A configuration file with all that it names, and its path. */
async function writeConfig({ thumbprint, development = true }: Change = {}): Promise<string> {
  const { issuer, gatewayTls } = await createDevelopmentCertificates({
    farmName: 'demo',
    names: ['localhost'],
    gateways: ['gw1'],
    now: new Date(),
  })
  const { sha1Thumbprint } = readCertificate(issuer.certificatePem)
  const files = writeFiles({
    'tls.crt': gatewayTls.gw1?.certificatePem ?? '',
    'tls.key': gatewayTls.gw1?.privateKeyPem ?? '',
    'issuer.crt': issuer.certificatePem,
    'gateway.yaml': `
node: gw1
farm: { name: demo }
listeners: [{ address: "127.0.0.1:${await freePort()}" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
trust: [{ certificateFile: issuer.crt, thumbprint: "${thumbprint ?? sha1Thumbprint}" }]
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
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
