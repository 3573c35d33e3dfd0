import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createDevelopmentCertificates, readCertificate } from '../../src/certs/index.ts'
import { watchGatewayFiles } from '../../src/cli/gateway-reload.ts'
import { loadGatewayConfig } from '../../src/config/index.ts'
import { createLog, type LogFields, systemClock } from '../../src/lib/index.ts'
import { writeFiles } from './run-command.ts'

const trustOf = (...issuers: [file: string, thumbprint: string][]): string =>
  issuers
    .map(([file, thumbprint]) => `  - { certificateFile: ${file}, thumbprint: "${thumbprint}" }\n`)
    .join('')

async function start() {
  const make = () =>
    createDevelopmentCertificates({
      farmName: 'demo',
      names: ['localhost'],
      gateways: ['gw1'],
      now: new Date(),
    })
  const [first, second] = [await make(), await make()]
  const thumbprints = [first, second].map(
    ({ issuer }) => readCertificate(issuer.certificatePem).sha256Thumbprint,
  )
  const yaml = (trust: string): string => `
node: gw1
farm: { name: demo }
listeners: [{ address: "127.0.0.1:443" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
trust:
${trust}
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
development: true
`
  const files = writeFiles({
    'tls.crt': first.gatewayTls.gw1?.certificatePem ?? '',
    'tls.key': first.gatewayTls.gw1?.privateKeyPem ?? '',
    'new.crt': second.gatewayTls.gw1?.certificatePem ?? '',
    'new.key': second.gatewayTls.gw1?.privateKeyPem ?? '',
    'issuer.crt': first.issuer.certificatePem,
    'other.crt': second.issuer.certificatePem,
    'gateway.yaml': yaml(trustOf(['issuer.crt', thumbprints[0] ?? ''])),
  })
  const lines: LogFields[] = []
  const gateway = { replaceCertificate: vi.fn(), replaceTrust: vi.fn() }
  const loadConfig = () => loadGatewayConfig(files['gateway.yaml'], {})
  const watch = watchGatewayFiles({
    configFile: files['gateway.yaml'],
    config: loadConfig(),
    loadConfig,
    gateway,
    clock: systemClock,
    log: createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
  })
  onTestFinished(watch.close)
  const setTrust = (...issuers: [string, string][]): void =>
    writeFileSync(files['gateway.yaml'], yaml(trustOf(...issuers)))
  return { files, gateway, lines, watch, setTrust, thumbprints }
}

test('serves a replaced certificate once its key is there as well', async () => {
  const { files, gateway, lines, watch } = await start()
  watch.look()
  copyFileSync(files['new.crt'], files['tls.crt'])
  watch.look()
  expect(gateway.replaceCertificate).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    { event: 'reload.failed', setting: 'tls', error: expect.stringContaining('does not belong') },
  ])
  copyFileSync(files['new.key'], files['tls.key'])
  watch.look()
  watch.look()
  expect(gateway.replaceCertificate).toHaveBeenCalledOnce()
  expect(gateway.replaceCertificate).toHaveBeenCalledWith({
    certificatePem: readFileSync(files['new.crt'], 'utf8'),
    privateKeyPem: readFileSync(files['new.key'], 'utf8'),
  })
  expect(lines.at(-1)).toMatchObject({ event: 'cert.applied' })
  expect(gateway.replaceTrust).not.toHaveBeenCalled()
})

test('trusts what the file says now, and keeps the old list when that is broken', async () => {
  const { gateway, lines, watch, setTrust, thumbprints } = await start()
  const [first = '', second = ''] = thumbprints
  setTrust(['issuer.crt', first], ['other.crt', first])
  watch.look()
  expect(gateway.replaceTrust).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    {
      event: 'reload.failed',
      setting: 'trust',
      error: expect.stringContaining('trust.1.thumbprint'),
    },
  ])
  setTrust(['other.crt', second])
  watch.look()
  watch.look()
  expect(gateway.replaceTrust).toHaveBeenCalledOnce()
  expect(gateway.replaceTrust.mock.calls[0]?.[0].issuers).toHaveLength(1)
  expect(lines.at(-1)).toMatchObject({ event: 'trust.applied', issuers: 1 })
})
