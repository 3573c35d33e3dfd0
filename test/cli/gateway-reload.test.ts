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

async function start({ led = false, agents = '' } = {}) {
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
  const control = `
control:
  broker: 127.0.0.1:1
  tls: { certificateFile: control.crt, privateKeyFile: control.key }
  caFile: control-ca.crt
`
  const yaml = (trust: string): string => `
node: gw1
farm: { name: demo }
listeners: [{ address: "127.0.0.1:443" }]
tls: { certificateFile: tls.crt, privateKeyFile: tls.key }
${led ? control : `trust:\n${trust}`}
${agents}
targets: { allow: [{ cidr: 10.20.0.0/16 }] }
development: true
`
  const files = writeFiles({
    'tls.crt': first.gatewayTls.gw1?.certificatePem ?? '',
    'tls.key': first.gatewayTls.gw1?.privateKeyPem ?? '',
    'new.crt': second.gatewayTls.gw1?.certificatePem ?? '',
    'new.key': second.gatewayTls.gw1?.privateKeyPem ?? '',
    'control.crt': first.gatewayControl.gw1?.certificatePem ?? '',
    'control.key': first.gatewayControl.gw1?.privateKeyPem ?? '',
    'control-ca.crt': first.controlAuthority.certificatePem,
    'new-control.crt': second.gatewayControl.gw1?.certificatePem ?? '',
    'new-control.key': second.gatewayControl.gw1?.privateKeyPem ?? '',
    'new-control-ca.crt': second.controlAuthority.certificatePem,
    'agents.crt': first.gatewayControl.gw1?.certificatePem ?? '',
    'agents.key': first.gatewayControl.gw1?.privateKeyPem ?? '',
    'issuer.crt': first.issuer.certificatePem,
    'other.crt': second.issuer.certificatePem,
    'gateway.yaml': yaml(trustOf(['issuer.crt', thumbprints[0] ?? ''])),
  })
  const lines: LogFields[] = []
  const onApplied = vi.fn()
  const gateway = {
    replaceCertificate: vi.fn(),
    replaceTrust: vi.fn(),
    replaceControlCertificate: vi.fn(),
    replaceAgentSecurity: vi.fn(),
  }
  const loadConfig = () => loadGatewayConfig(files['gateway.yaml'], {})
  const watch = watchGatewayFiles({
    configFile: files['gateway.yaml'],
    config: loadConfig(),
    loadConfig,
    gateway,
    clock: systemClock,
    log: createLog({ stream: { write: (line: string) => void lines.push(JSON.parse(line)) } }),
    onApplied,
  })
  onTestFinished(watch.close)
  const setTrust = (...issuers: [string, string][]): void =>
    writeFileSync(files['gateway.yaml'], yaml(trustOf(...issuers)))
  return { files, gateway, lines, onApplied, watch, setTrust, thumbprints }
}

test('serves a replaced certificate once its key is there as well', async () => {
  const { files, gateway, lines, onApplied, watch } = await start()
  watch.look()
  copyFileSync(files['new.crt'], files['tls.crt'])
  watch.look()
  expect(gateway.replaceCertificate).not.toHaveBeenCalled()
  expect(onApplied).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    { event: 'reload.failed', setting: 'tls', error: expect.stringContaining('does not belong') },
  ])
  copyFileSync(files['new.key'], files['tls.key'])
  watch.look()
  watch.look()
  expect(gateway.replaceCertificate).toHaveBeenCalledOnce()
  expect(onApplied).toHaveBeenCalledOnce()
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

test('shows brokers and agents a replaced control certificate once its authority is there as well', async () => {
  const { files, gateway, lines, watch } = await start({ led: true })
  copyFileSync(files['new-control.crt'], files['control.crt'])
  copyFileSync(files['new-control.key'], files['control.key'])
  watch.look()
  expect(gateway.replaceControlCertificate).not.toHaveBeenCalled()
  expect(gateway.replaceAgentSecurity).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    {
      event: 'reload.failed',
      setting: 'control.tls',
      error: expect.stringContaining('not in control.caFile'),
    },
  ])
  copyFileSync(files['new-control-ca.crt'], files['control-ca.crt'])
  watch.look()
  const certificatePem = readFileSync(files['new-control.crt'], 'utf8')
  const privateKeyPem = readFileSync(files['new-control.key'], 'utf8')
  const ca = readFileSync(files['new-control-ca.crt'], 'utf8')
  expect(gateway.replaceControlCertificate.mock.calls).toEqual([
    [{ tls: { certificatePem, privateKeyPem }, ca }],
  ])
  expect(gateway.replaceAgentSecurity.mock.calls).toMatchObject([
    [{ certificatePem, privateKeyPem, ca }],
  ])
  expect(gateway.replaceCertificate).not.toHaveBeenCalled()
  expect(lines.at(-1)).toMatchObject({ event: 'cert.applied', setting: 'control.tls' })
})

test('shows agents the certificate that is for them alone, whatever becomes of the other', async () => {
  const agents =
    'agents: { tls: { certificateFile: agents.crt, privateKeyFile: agents.key }, caFile: control-ca.crt }'
  const { files, gateway, lines, watch } = await start({ led: true, agents })
  copyFileSync(files['new-control.crt'], files['agents.crt'])
  for (const name of ['control.crt', 'control.key', 'control-ca.crt'] as const) {
    copyFileSync(files[`new-${name}`], files[name])
  }
  watch.look()
  expect(gateway.replaceControlCertificate).toHaveBeenCalledOnce()
  expect(gateway.replaceAgentSecurity).not.toHaveBeenCalled()
  expect(lines).toMatchObject([
    { event: 'cert.applied', setting: 'control.tls' },
    { event: 'reload.failed', setting: 'agents.tls' },
  ])
  copyFileSync(files['new-control.key'], files['agents.key'])
  watch.look()
  const certificatePem = readFileSync(files['new-control.crt'], 'utf8')
  expect(gateway.replaceAgentSecurity.mock.calls).toMatchObject([[{ certificatePem }]])
  expect(lines.at(-1)).toMatchObject({ event: 'cert.applied', setting: 'agents.tls' })
})
